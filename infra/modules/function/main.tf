# A Lambda function with its log group, a role of its own that may do what is said here and nothing else, and the alias
# `live`, by which everybody calls it. Terraform publishes versions; `live` is moved by `make release`, and moved back by
# `make rollback-code`, so that an apply never changes the code that runs (the first one apart).

resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_158: CloudWatch's own key, or the stack's where own_kms_key is set: the log holds counts and positions, no listings
  # checkov:skip=CKV_AWS_338: log_retention_days is 365 unless somebody chooses less
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.settings.log_retention_days
  kms_key_id        = var.settings.kms_key_arn
}

resource "aws_iam_role" "this" {
  name               = var.role_name
  assume_role_policy = data.aws_iam_policy_document.lambda.json
}

data "aws_iam_policy_document" "lambda" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "this" {
  name   = "least-privilege"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.this.json
}

data "aws_iam_policy_document" "this" {
  source_policy_documents = [var.policy]

  statement {
    sid       = "OwnLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.this.arn}:*"]
  }

  dynamic "statement" {
    for_each = var.settings.tracing ? [true] : []
    content {
      sid       = "Traces"
      actions   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
      resources = ["*"] # X-Ray knows no narrower resource for these
    }
  }

  dynamic "statement" {
    for_each = var.settings.kms_key_arn == null ? [] : [var.settings.kms_key_arn]
    content {
      sid       = "UseTheKey"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = var.settings.network == null ? [] : [true]
    content {
      sid = "JoinTheNetwork"
      actions = [
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:AssignPrivateIpAddresses",
        "ec2:UnassignPrivateIpAddresses",
      ]
      resources = ["*"] # Lambda checks them before there is an interface to name
    }
  }
}

resource "aws_lambda_function" "this" {
  # checkov:skip=CKV_AWS_50: X-Ray is on where `tracing` is set
  # checkov:skip=CKV_AWS_115: shards times the parallelization factor is the limit; reserved_concurrency sets another
  # checkov:skip=CKV_AWS_116: what fails goes to the destination of its mapping or its asynchronous invocations
  # checkov:skip=CKV_AWS_117: in a VPC where `network` is set; it talks to AWS alone, and a VPC adds no safety by itself
  # checkov:skip=CKV_AWS_173: the environment holds names, no secrets
  # checkov:skip=CKV_AWS_272: the bundle comes out of this repository, by its hash
  function_name     = var.name
  role              = aws_iam_role.this.arn
  runtime           = var.settings.runtime
  architectures     = ["x86_64"] # what the bundle's wheels are for; ONNX Runtime has aborted at its start on Lambda's arm64 (its issue 10038)
  handler           = var.handler
  s3_bucket         = var.settings.bundle.bucket
  s3_key            = var.settings.bundle.key
  s3_object_version = var.settings.bundle.version
  source_code_hash  = var.settings.bundle.sha256
  memory_size       = var.memory_mb
  timeout           = var.timeout_seconds
  publish           = true

  reserved_concurrent_executions = var.reserved_concurrency

  environment {
    variables = merge(var.environment, {
      BELO_STACK_NAME      = var.settings.stack_name
      OPENBLAS_NUM_THREADS = "1" # numpy is imported a third sooner, and nothing here is large enough for two
    })
  }

  tracing_config {
    mode = var.settings.tracing ? "Active" : "PassThrough"
  }

  # Of every version that is published. It bears no provisioned concurrency, no file system and no /tmp above 512 MB;
  # nothing of that is here.
  dynamic "snap_start" {
    for_each = var.snap_start ? [true] : []
    content {
      apply_on = "PublishedVersions"
    }
  }

  dynamic "vpc_config" {
    for_each = var.settings.network == null ? [] : [var.settings.network]
    content {
      subnet_ids         = vpc_config.value.subnets
      security_group_ids = vpc_config.value.security_groups
    }
  }

  # A first invocation would make a log group without retention, and fail without the role's policy.
  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy.this]
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  description      = "What runs; make release moves it, make rollback-code moves it back."
  function_name    = aws_lambda_function.this.function_name
  function_version = aws_lambda_function.this.version

  lifecycle {
    ignore_changes = [function_version, routing_config, description]
  }
}
