# The worker on AWS: a Fargate task that takes up what waits on the queue and ends. Left out where no image is named, and
# on emulators, which refuse ECS: there `belo train-worker` is a process.

locals {
  worker  = var.retraining && var.training_image != null && !contains(var.leave_out, "worker")
  workers = local.worker ? 1 : 0

  # The root file system is read-only. training/Dockerfile declares this folder a volume of user 1000, and Fargate's empty
  # volume takes its owner from there; a mount over /tmp would be root's, and nothing could be written.
  scratch = "/scratch"

  worker_environment = merge(local.stack_environment, {
    BELO_MARKET            = var.market
    BELO_PROMOTION_POLICY  = var.promotion_policy
    BELO_PRICE_LEVEL_LIMIT = tostring(var.price_level_limit)
    MLFLOW_TRACKING_URI    = coalesce(var.mlflow_tracking_uri, "none")
    TMPDIR                 = local.scratch
    HOME                   = local.scratch
    MPLCONFIGDIR           = local.scratch
  })

  worker_secrets = var.mlflow_secret_arn == null ? {} : {
    MLFLOW_TRACKING_USERNAME = "${var.mlflow_secret_arn}:username::"
    MLFLOW_TRACKING_PASSWORD = "${var.mlflow_secret_arn}:password::"
  }
}

resource "aws_ecs_cluster" "training" {
  # checkov:skip=CKV_AWS_65: one task now and then; its log says what there is to know
  count = local.workers
  name  = "${var.prefix}training"
}

resource "aws_cloudwatch_log_group" "training" {
  # checkov:skip=CKV_AWS_158: CloudWatch's own key, or the stack's where own_kms_key is set: the log holds counts and verdicts
  # checkov:skip=CKV_AWS_338: log_retention_days is 365 unless somebody chooses less
  count             = local.workers
  name              = "/ecs/${local.names.train_worker}"
  retention_in_days = var.log_retention_days
  kms_key_id        = local.kms_key_arn
}

resource "aws_ecs_task_definition" "worker" {
  count                    = local.workers
  family                   = local.names.train_worker
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 2048
  memory                   = 8192
  task_role_arn            = aws_iam_role.worker[0].arn
  execution_role_arn       = aws_iam_role.worker_start[0].arn

  runtime_platform {
    cpu_architecture        = "X86_64"
    operating_system_family = "LINUX"
  }

  volume {
    name = "scratch"
  }

  container_definitions = jsonencode([{
    name                   = "train-worker"
    image                  = var.training_image
    command                = ["train-worker", "--once"]
    essential              = true
    user                   = "1000"
    readonlyRootFilesystem = true
    mountPoints            = [{ sourceVolume = "scratch", containerPath = local.scratch, readOnly = false }]
    environment            = [for name, value in local.worker_environment : { name = name, value = value }]
    secrets                = [for name, value in local.worker_secrets : { name = name, valueFrom = value }]

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.training[0].name
        awslogs-region        = local.region
        awslogs-stream-prefix = "request"
      }
    }
  }])
}

# --- what wakes it: the pipe, and the sweep -------------------------------------------------------

resource "aws_sqs_queue" "wake_ups" {
  count                     = local.workers
  name                      = local.names.wake_ups
  message_retention_seconds = 3600 # the sweep comes anyway
  sqs_managed_sse_enabled   = local.kms_key_arn == null ? true : null
  kms_master_key_id         = local.kms_key_arn
  policy                    = data.aws_iam_policy_document.wake_ups[0].json
}

resource "aws_cloudwatch_event_target" "wake_ups" {
  for_each = local.worker ? local.retraining_rules : {}
  rule     = each.value
  arn      = aws_sqs_queue.wake_ups[0].arn

  dead_letter_config {
    arn = local.undelivered_arn
  }
}

data "aws_iam_policy_document" "wake_ups" {
  count = local.workers

  statement {
    sid       = "RulesMayWake"
    actions   = ["sqs:SendMessage"]
    resources = [local.wake_ups_arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = local.retraining_rule_arns
    }
  }
}

resource "aws_pipes_pipe" "worker" {
  count    = local.workers
  name     = local.names.train_worker
  role_arn = aws_iam_role.waker[0].arn
  source   = aws_sqs_queue.wake_ups[0].arn
  target   = aws_ecs_cluster.training[0].arn

  source_parameters {
    sqs_queue_parameters {
      batch_size = 1
    }
  }

  target_parameters {
    ecs_task_parameters {
      task_definition_arn = aws_ecs_task_definition.worker[0].arn
      launch_type         = "FARGATE"
      task_count          = 1

      network_configuration {
        aws_vpc_configuration {
          subnets          = var.training_subnets
          security_groups  = var.training_security_groups
          assign_public_ip = var.training_public_ip ? "ENABLED" : "DISABLED"
        }
      }
    }
  }

  depends_on = [aws_iam_role_policy.waker]
}

# For requests whose worker died, or never started. A task that finds nothing runs for about half a minute of two cores
# and 8 GB: 24 a day cost about 5 cents (`belo cost`).
resource "aws_cloudwatch_event_rule" "sweep" {
  count               = local.workers
  name                = "${var.prefix}retraining-sweep"
  description         = "Start a worker in case a request was left behind."
  schedule_expression = "rate(1 hour)"
}

resource "aws_cloudwatch_event_target" "sweep" {
  count    = local.workers
  rule     = aws_cloudwatch_event_rule.sweep[0].name
  arn      = aws_ecs_cluster.training[0].arn
  role_arn = aws_iam_role.waker[0].arn

  ecs_target {
    task_definition_arn = aws_ecs_task_definition.worker[0].arn
    launch_type         = "FARGATE"
    task_count          = 1

    network_configuration {
      subnets          = var.training_subnets
      security_groups  = var.training_security_groups
      assign_public_ip = var.training_public_ip
    }
  }

  dead_letter_config {
    arn = local.undelivered_arn
  }
}
