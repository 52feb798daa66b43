# The archive: every prediction on the stream to S3, one object a batch.

variable "archive_window_seconds" {
  description = "How long Lambda gathers predictions for one object of the archive: longer means fewer objects, and a later monitor."
  type        = number
  default     = 60

  validation {
    condition     = var.archive_window_seconds >= 0 && var.archive_window_seconds <= 300
    error_message = "archive_window_seconds: expected 0 to 300."
  }
}

module "archiver" {
  source             = "./modules/function"
  name               = "${var.prefix}archive"
  handler            = "lambdas.archive.handler"
  runtime            = var.runtime
  memory_mb          = 512
  timeout_seconds    = 60
  log_retention_days = var.log_retention_days
  tracing            = var.tracing
  policy             = data.aws_iam_policy_document.archiver.json
  bundle             = local.deployed_bundle

  environment = {
    BELO_ARCHIVE_BUCKET = module.archive.name
  }
}

data "aws_iam_policy_document" "archiver" {
  statement {
    sid = "ReadPredictions"
    actions = [
      "kinesis:DescribeStream",
      "kinesis:DescribeStreamSummary",
      "kinesis:GetRecords",
      "kinesis:GetShardIterator",
      "kinesis:ListShards",
    ]
    resources = ["${local.streams}/${local.predictions_name}"]
  }

  statement {
    sid       = "FindPredictions"
    actions   = ["kinesis:ListStreams"] # Lambda asks for it when it makes the mapping
    resources = ["*"]                   # AWS knows no narrower resource for it
  }

  # aws/lambda/ is where Lambda parks a batch that it gives up on: here, and not among the dead letters, from which
  # predictions would be redriven as listings.
  statement {
    sid     = "WriteArchive"
    actions = ["s3:PutObject"]
    resources = [
      "${module.archive.arn}/predictions/*",
      "${module.archive.arn}/foreign/*",
      "${module.archive.arn}/aws/lambda/*",
    ]
  }

  statement {
    sid       = "ParkInArchive"
    actions   = ["s3:ListBucket"] # Lambda refuses a failure destination without it
    resources = [module.archive.arn]
  }
}

# A batch fails only where S3 does, so that it is not bisected: the same range writes the same object again.
resource "aws_lambda_event_source_mapping" "predictions" {
  event_source_arn                   = aws_kinesis_stream.predictions.arn
  function_name                      = module.archiver.arn
  starting_position                  = "TRIM_HORIZON"
  batch_size                         = 10000                                           # as many as an event of 6 MB holds
  maximum_batching_window_in_seconds = local.emulated ? 0 : var.archive_window_seconds # nobody waits on a local cloud
  maximum_record_age_in_seconds      = var.max_record_age_seconds
  maximum_retry_attempts             = -1

  destination_config {
    on_failure {
      destination_arn = module.archive.arn
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "archive_behind" {
  count               = local.emulated ? 0 : 1 # as in alarms.tf
  alarm_name          = "${var.prefix}archive-behind"
  alarm_description   = "Predictions wait for more than ten minutes to be archived; they expire with the stream's retention."
  namespace           = "AWS/Lambda"
  metric_name         = "IteratorAge"
  dimensions          = { FunctionName = module.archiver.name }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 600000 # ms
  period              = 300
  evaluation_periods  = 2
  treat_missing_data  = "notBreaching" # no records, no age
  alarm_actions       = [local.alarms_topic]
}

resource "aws_cloudwatch_metric_alarm" "foreign_records" {
  count               = local.emulated ? 0 : 1
  alarm_name          = "${var.prefix}archive-foreign-records"
  alarm_description   = "Somebody else writes to the prediction stream: what is no prediction lies in the archive under foreign/."
  namespace           = "belo-horizonte-pricing"
  metric_name         = "Foreign"
  dimensions          = { function = "archive" }
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 300
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.alarms_topic]
}
