# The scoring function: listings in, predictions out, what cannot be priced to the dead letters.

module "score" {
  source             = "./modules/function"
  name               = "${var.prefix}score"
  handler            = "lambdas.score.handler"
  runtime            = var.runtime
  memory_mb          = var.memory_mb
  timeout_seconds    = var.timeout_seconds
  log_retention_days = var.log_retention_days
  tracing            = var.tracing
  policy             = data.aws_iam_policy_document.score.json
  bundle             = local.deployed_bundle

  environment = {
    BELO_PREDICTIONS_STREAM    = local.predictions_name
    BELO_MODELS_BUCKET         = module.models.name
    BELO_DEAD_LETTERS_BUCKET   = module.dead_letters.name
    BELO_CHAMPION_POLL_SECONDS = var.champion_poll_seconds
  }
}

data "aws_iam_policy_document" "score" {
  statement {
    sid = "ReadListings"
    actions = [
      "kinesis:DescribeStream",
      "kinesis:DescribeStreamSummary",
      "kinesis:GetRecords",
      "kinesis:GetShardIterator",
      "kinesis:ListShards",
    ]
    resources = ["${local.streams}/${local.listings_name}"]
  }

  statement {
    sid       = "PublishPredictions"
    actions   = ["kinesis:PutRecords"]
    resources = ["${local.streams}/${local.predictions_name}"]
  }

  statement {
    sid       = "LoadModels"
    actions   = ["s3:GetObject"]
    resources = ["${module.models.arn}/house-price/*"]
  }

  # ListBucket: without it a missing pointer reads as forbidden, and Lambda refuses the failure destination.
  statement {
    sid       = "TellMissingFromForbidden"
    actions   = ["s3:ListBucket"]
    resources = [module.models.arn, module.dead_letters.arn]
  }

  # aws/lambda/ is where Lambda itself, in the name of this role, parks a batch that it gives up on.
  statement {
    sid       = "WriteDeadLetters"
    actions   = ["s3:PutObject"]
    resources = ["${module.dead_letters.arn}/dead-letters/*", "${module.dead_letters.arn}/aws/lambda/*"]
  }
}

resource "aws_lambda_event_source_mapping" "listings" {
  event_source_arn                   = aws_kinesis_stream.listings.arn
  function_name                      = module.score.arn
  starting_position                  = "TRIM_HORIZON" # what was published before the function was there counts, too
  batch_size                         = var.batch_size
  maximum_batching_window_in_seconds = var.batching_window_seconds
  parallelization_factor             = var.parallelization_factor
  maximum_record_age_in_seconds      = var.max_record_age_seconds
  maximum_retry_attempts             = var.max_retries
  bisect_batch_on_function_error     = true
  function_response_types            = ["ReportBatchItemFailures"]

  destination_config {
    on_failure {
      destination_arn = module.dead_letters.arn
    }
  }
}
