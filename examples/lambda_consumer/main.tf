# A consumer of the prediction stream that Lambda scales with the shards: the newest price of each listing, in a table.

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

variable "predictions_stream_arn" {
  description = "The prediction stream: `terraform -chdir=infra output -raw predictions_stream_arn`."
  type        = string
}

variable "package" {
  description = "A zip of consumer.py."
  type        = string
}

variable "region" {
  type    = string
  default = "sa-east-1"
}

variable "runtime" {
  type    = string
  default = "python3.12"
}

variable "endpoint" {
  description = "A local cloud's address; none is AWS."
  type        = string
  default     = null
}

locals {
  name     = "price-table"
  emulated = var.endpoint != null
}

provider "aws" {
  region                      = var.region
  skip_credentials_validation = local.emulated
  skip_metadata_api_check     = local.emulated
  skip_region_validation      = local.emulated

  endpoints {
    dynamodb = var.endpoint
    iam      = var.endpoint
    kinesis  = var.endpoint
    lambda   = var.endpoint
    logs     = var.endpoint
    s3       = var.endpoint
    sqs      = var.endpoint
    sts      = var.endpoint
  }
}

resource "aws_dynamodb_table" "prices" {
  # checkov:skip=CKV_AWS_28: on, but for local clouds, which keep nothing
  # checkov:skip=CKV_AWS_119: public prices; AWS's own key will do
  # checkov:skip=CKV2_AWS_16: it scales by itself, being billed by request
  name         = "prices"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "listing_id"

  attribute {
    name = "listing_id"
    type = "S"
  }

  point_in_time_recovery {
    enabled = !local.emulated
  }
}

# What Lambda gives up on: where a batch stood on the stream, from which it can be read again.
resource "aws_sqs_queue" "given_up" {
  name                      = "${local.name}-given-up"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

resource "aws_iam_role" "consumer" {
  name = local.name
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
}

data "aws_iam_policy_document" "consumer" {
  statement {
    actions = [
      "kinesis:DescribeStream",
      "kinesis:DescribeStreamSummary",
      "kinesis:GetRecords",
      "kinesis:GetShardIterator",
      "kinesis:ListShards",
    ]
    resources = [var.predictions_stream_arn]
  }

  statement {
    actions   = ["kinesis:ListStreams"] # Lambda asks for it when it makes the mapping
    resources = ["*"]                   # AWS knows no narrower resource for it
  }

  statement {
    actions   = ["dynamodb:PutItem"]
    resources = [aws_dynamodb_table.prices.arn]
  }

  statement {
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.given_up.arn]
  }

  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.consumer.arn}:*"]
  }
}

resource "aws_iam_role_policy" "consumer" {
  role   = aws_iam_role.consumer.id
  policy = data.aws_iam_policy_document.consumer.json
}

resource "aws_cloudwatch_log_group" "consumer" {
  # checkov:skip=CKV_AWS_158: the log names records and errors, no more
  # checkov:skip=CKV_AWS_338: nobody looks at it after a month
  name              = "/aws/lambda/${local.name}"
  retention_in_days = 30
}

resource "aws_lambda_function" "consumer" {
  # checkov:skip=CKV_AWS_50: one call of one table
  # checkov:skip=CKV_AWS_115: it scales with the shards, and no further
  # checkov:skip=CKV_AWS_116: the event source mapping has a destination for what fails
  # checkov:skip=CKV_AWS_117: it speaks to AWS alone
  # checkov:skip=CKV_AWS_173: its variable is the name of a table
  # checkov:skip=CKV_AWS_272: whoever applies this built the zip
  function_name    = local.name
  role             = aws_iam_role.consumer.arn
  runtime          = var.runtime
  handler          = "consumer.handler"
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  timeout          = 60

  environment {
    variables = { TABLE = aws_dynamodb_table.prices.name }
  }

  depends_on = [aws_iam_role_policy.consumer]
}

resource "aws_lambda_event_source_mapping" "predictions" {
  event_source_arn               = var.predictions_stream_arn
  function_name                  = aws_lambda_function.consumer.arn
  starting_position              = "TRIM_HORIZON"
  batch_size                     = 500
  bisect_batch_on_function_error = true
  function_response_types        = ["ReportBatchItemFailures"]
  maximum_record_age_in_seconds  = 21600

  destination_config {
    on_failure {
      destination_arn = aws_sqs_queue.given_up.arn
    }
  }
}

output "table" {
  value = aws_dynamodb_table.prices.name
}
