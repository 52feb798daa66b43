# A Lambda function with its log group and a role of its own that may do what is said here and nothing else.

resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_158: CloudWatch's own key will do: the log holds counts and positions, no listings
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "this" {
  name               = var.name
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
    for_each = var.tracing ? [true] : []
    content {
      sid       = "Traces"
      actions   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
      resources = ["*"] # X-Ray knows no narrower resource for these
    }
  }
}

resource "aws_lambda_function" "this" {
  # checkov:skip=CKV_AWS_115: shards times the parallelization factor is the limit
  # checkov:skip=CKV_AWS_116: the event source mapping has an on-failure destination; this would be for other callers
  # checkov:skip=CKV_AWS_117: it talks to Kinesis and S3 only, and a VPC would add nothing but cold starts
  # checkov:skip=CKV_AWS_173: the environment holds names, no secrets
  # checkov:skip=CKV_AWS_272: the bundle comes out of this repository, by its hash
  function_name    = var.name
  role             = aws_iam_role.this.arn
  runtime          = var.runtime
  architectures    = ["x86_64"] # what the bundle's wheels are for
  handler          = var.handler
  s3_bucket        = var.bundle.bucket
  s3_key           = var.bundle.key
  source_code_hash = var.bundle.sha256
  memory_size      = var.memory_mb
  timeout          = var.timeout_seconds

  environment {
    variables = var.environment
  }

  tracing_config {
    mode = var.tracing ? "Active" : "PassThrough"
  }

  # A first invocation would make a log group without retention, and fail without the role's policy.
  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy.this]
}
