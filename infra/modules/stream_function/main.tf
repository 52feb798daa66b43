# A function that a Kinesis stream feeds: its mapping, and where Lambda parks a batch that it gives up on.

module "function" {
  source               = "../function"
  name                 = var.name
  role_name            = var.role_name
  handler              = var.handler
  memory_mb            = var.memory_mb
  timeout_seconds      = var.timeout_seconds
  reserved_concurrency = var.reserved_concurrency
  environment          = var.environment
  settings             = var.settings
  policy               = data.aws_iam_policy_document.this.json
}

data "aws_iam_policy_document" "this" {
  source_policy_documents = [var.policy]

  statement {
    sid = "ReadTheStream"
    actions = [
      "kinesis:DescribeStream",
      "kinesis:DescribeStreamSummary",
      "kinesis:GetRecords",
      "kinesis:GetShardIterator",
      "kinesis:ListShards",
    ]
    resources = [var.stream_arn]
  }

  dynamic "statement" {
    for_each = var.fan_out ? [true] : []
    content {
      sid       = "HearFromTheStream"
      actions   = ["kinesis:SubscribeToShard"]
      resources = ["${var.stream_arn}/consumer/*"] # a consumer's ARN ends with the second it was made in
    }
  }

  statement {
    sid       = "FindTheStream"
    actions   = ["kinesis:ListStreams"] # Lambda asks for it when it makes the mapping
    resources = ["*"]                   # AWS knows no narrower resource for it
  }

  # In the name of this role Lambda itself parks a batch that it gives up on.
  statement {
    sid       = "ParkBatches"
    actions   = ["s3:PutObject"]
    resources = ["${var.parked_in_arn}/aws/lambda/*"]
  }

  statement {
    sid       = "SeeWhereToPark"
    actions   = ["s3:ListBucket"] # Lambda refuses a failure destination without it
    resources = [var.parked_in_arn]
  }
}

resource "aws_lambda_event_source_mapping" "this" {
  event_source_arn                   = var.source_arn
  function_name                      = module.function.live_arn
  starting_position                  = "TRIM_HORIZON" # what was published before the function was there counts, too
  batch_size                         = var.mapping.batch_size
  maximum_batching_window_in_seconds = var.mapping.window_seconds
  parallelization_factor             = var.mapping.parallelization_factor
  maximum_record_age_in_seconds      = var.mapping.max_record_age_seconds
  maximum_retry_attempts             = var.mapping.max_retries
  bisect_batch_on_function_error     = var.mapping.bisect
  function_response_types            = var.mapping.partial_failures ? ["ReportBatchItemFailures"] : null

  destination_config {
    on_failure {
      destination_arn = var.parked_in_arn
    }
  }

  dynamic "metrics_config" {
    for_each = var.mapping.count_events ? [true] : []
    content {
      metrics = ["EventCount"] # how many were polled, filtered, invoked with, failed, dropped and parked
    }
  }
}
