# The scoring function: listings in, predictions out, what cannot be priced to the dead letters.

module "score" {
  source               = "../stream_function"
  name                 = local.names.score
  role_name            = local.roles["score"]
  handler              = "lambdas.score.handler"
  memory_mb            = var.memory_mb
  timeout_seconds      = var.timeout_seconds
  reserved_concurrency = var.reserved_concurrency
  settings             = local.function_settings
  policy               = data.aws_iam_policy_document.score.json
  stream_arn           = local.listings_arn
  source_arn           = var.enhanced_fan_out ? aws_kinesis_stream_consumer.score[0].arn : aws_kinesis_stream.listings.arn
  fan_out              = var.enhanced_fan_out
  parked_in_arn        = module.dead_letters.arn

  environment = {
    BELO_PREDICTIONS_STREAM    = local.names.predictions
    BELO_MODELS_BUCKET         = module.models.name
    BELO_DEAD_LETTERS_BUCKET   = module.dead_letters.name
    BELO_CHAMPION_POLL_SECONDS = var.champion_poll_seconds
  }

  mapping = {
    batch_size             = var.batch_size
    window_seconds         = var.batching_window_seconds
    parallelization_factor = var.parallelization_factor
    max_record_age_seconds = var.max_record_age_seconds
    max_retries            = var.max_retries
    bisect                 = true
    partial_failures       = true
    count_events           = local.mapping_metrics
  }
}

locals {
  mapping_metrics = !contains(var.leave_out, "mapping_metrics")

  function_settings = {
    stack_name         = local.stack_name
    bundle             = local.deployed_bundle
    runtime            = var.runtime
    log_retention_days = var.log_retention_days
    tracing            = var.tracing
    kms_key_arn        = local.kms_key_arn
    network            = local.function_network
  }
}

data "aws_iam_policy_document" "score" {
  statement {
    sid       = "PublishPredictions"
    actions   = ["kinesis:PutRecords"]
    resources = [local.predictions_arn]
  }

  statement {
    sid       = "LoadModels"
    actions   = ["s3:GetObject"]
    resources = ["${module.models.arn}/house-price/*"]
  }

  statement {
    sid       = "TellMissingFromForbidden"
    actions   = ["s3:ListBucket"] # without it a missing pointer reads as forbidden
    resources = [module.models.arn]
  }

  statement {
    sid       = "WriteDeadLetters"
    actions   = ["s3:PutObject"]
    resources = ["${module.dead_letters.arn}/dead-letters/*"]
  }
}
