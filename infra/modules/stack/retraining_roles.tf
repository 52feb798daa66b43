# Three roles: what the worker may do, what starts its container, and who may start it.

locals {
  assumed_by = local.worker ? {
    worker       = ["ecs-tasks.amazonaws.com"]
    worker_start = ["ecs-tasks.amazonaws.com"]
    waker        = ["pipes.amazonaws.com", "events.amazonaws.com"]
  } : {}
}

data "aws_iam_policy_document" "assumed_by" {
  for_each = local.assumed_by

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = each.value
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

resource "aws_iam_role" "worker" {
  count              = local.workers
  name               = local.roles["train-worker"]
  assume_role_policy = data.aws_iam_policy_document.assumed_by["worker"].json
}

resource "aws_iam_role" "worker_start" {
  count              = local.workers
  name               = local.roles["train-worker-start"]
  assume_role_policy = data.aws_iam_policy_document.assumed_by["worker_start"].json
}

resource "aws_iam_role" "waker" {
  count              = local.workers
  name               = local.roles["train-worker-waker"]
  assume_role_policy = data.aws_iam_policy_document.assumed_by["waker"].json
}

resource "aws_iam_role_policy" "worker" {
  count  = local.workers
  name   = "least-privilege"
  role   = aws_iam_role.worker[0].id
  policy = data.aws_iam_policy_document.worker.json
}

resource "aws_iam_role_policy" "worker_start" {
  count  = local.workers
  name   = "least-privilege"
  role   = aws_iam_role.worker_start[0].id
  policy = data.aws_iam_policy_document.worker_start[0].json
}

resource "aws_iam_role_policy" "waker" {
  count  = local.workers
  name   = "least-privilege"
  role   = aws_iam_role.waker[0].id
  policy = data.aws_iam_policy_document.waker[0].json
}

data "aws_iam_policy_document" "worker" {
  statement {
    sid       = "TakeUpRequests"
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"]
    resources = [local.requests_arn]
  }

  statement {
    sid     = "ReadFeedback"
    actions = ["s3:GetObject"]
    resources = [
      "${module.archive.arn}/predictions/*",
      "${module.archive.arn}/sales/*",
      "${module.archive.arn}/reference/*",
      "${module.archive.arn}/monitor/alarms/*",
    ]
  }

  statement {
    sid       = "IndexTheArchive"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["${module.archive.arn}/index/*"]
  }

  statement {
    sid       = "KeepTheLedger"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["${module.archive.arn}/retraining/*"]
  }

  statement {
    sid       = "PromoteModels"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["${module.models.arn}/house-price/*"]
  }

  # Who served lately: the pointer's old versions.
  statement {
    sid       = "FindWhoServed"
    actions   = ["s3:ListBucketVersions"]
    resources = [module.models.arn]
  }

  statement {
    sid       = "SeeWhoServed"
    actions   = ["s3:GetObjectVersion"]
    resources = ["${module.models.arn}/house-price/champion.json"]
  }

  statement {
    sid       = "EndAShadow"
    actions   = ["s3:DeleteObject"]
    resources = ["${module.models.arn}/house-price/challenger.json"]
  }

  statement {
    sid       = "FindObjects"
    actions   = ["s3:ListBucket"]
    resources = [module.archive.arn, module.models.arn]
  }

  statement {
    sid       = "TellPeople"
    actions   = ["sns:Publish"]
    resources = [local.tickets_arn]
  }

  dynamic "statement" {
    for_each = local.kms_key_arn[*]
    content {
      sid       = "UseTheKey"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]
    }
  }
}

data "aws_iam_policy_document" "worker_start" {
  count = local.workers

  statement {
    sid       = "WriteLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.training[0].arn}:*"]
  }

  statement {
    sid       = "ReadTheImage"
    actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = ["arn:${local.partition}:ecr:${local.region}:${local.account}:repository/*"]
  }

  dynamic "statement" {
    for_each = var.mlflow_secret_arn == null ? [] : [var.mlflow_secret_arn]
    content {
      sid       = "ReadTheSecret"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = [statement.value]
    }
  }

  statement {
    sid       = "LogInToTheRegistry"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"] # ECR knows no narrower resource for it
  }
}

data "aws_iam_policy_document" "waker" {
  count = local.workers

  statement {
    sid       = "ReadWakeUps"
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    resources = [local.wake_ups_arn]
  }

  statement {
    sid       = "StartWorkers"
    actions   = ["ecs:RunTask"]
    resources = [aws_ecs_task_definition.worker[0].arn]

    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [aws_ecs_cluster.training[0].arn]
    }
  }

  statement {
    sid       = "HandOverRoles"
    actions   = ["iam:PassRole"]
    resources = [aws_iam_role.worker[0].arn, aws_iam_role.worker_start[0].arn]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }

  dynamic "statement" {
    for_each = local.kms_key_arn[*]
    content {
      sid       = "UseTheKey"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]
    }
  }
}
