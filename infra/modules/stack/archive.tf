# The archive: every prediction on the stream to S3, one object a batch. A batch fails only where S3 does, so that it is
# not bisected: the same range writes the same object again. What Lambda gives up on is parked in the archive, and not
# among the dead letters, from which predictions would be redriven as listings.

module "archiver" {
  source          = "../stream_function"
  name            = local.names.archive
  role_name       = local.roles["archive"]
  handler         = "lambdas.archive.handler"
  memory_mb       = 512
  timeout_seconds = 60
  settings        = local.function_settings
  policy          = data.aws_iam_policy_document.archiver.json
  stream_arn      = local.predictions_arn
  source_arn      = aws_kinesis_stream.predictions.arn
  parked_in_arn   = module.archive.arn

  environment = {
    BELO_ARCHIVE_BUCKET = module.archive.name
  }

  mapping = {
    batch_size             = 10000 # as many as an event of 6 MB holds
    window_seconds         = var.archive_window_seconds
    max_record_age_seconds = var.max_record_age_seconds
    count_events           = local.mapping_metrics
  }
}

data "aws_iam_policy_document" "archiver" {
  statement {
    sid       = "WriteArchive"
    actions   = ["s3:PutObject"]
    resources = ["${module.archive.arn}/predictions/*", "${module.archive.arn}/foreign/*"]
  }
}
