locals {
  # Made of names, so that the function need not wait half a minute for the streams.
  streams          = "arn:${data.aws_partition.current.partition}:kinesis:${var.region}:${local.account}:stream"
  listings_name    = "${var.prefix}listings"
  predictions_name = "${var.prefix}predictions"
  stream_mode      = var.shards == null ? "ON_DEMAND" : "PROVISIONED"

  # Emulators encrypt nothing, and the provider would wait 10 s for it.
  encryption_type = local.emulated ? "NONE" : "KMS"
}

resource "aws_kinesis_stream" "listings" {
  name             = local.listings_name
  retention_period = var.retention_hours
  shard_count      = var.shards
  encryption_type  = local.encryption_type
  kms_key_id       = local.emulated ? null : "alias/aws/kinesis"

  stream_mode_details {
    stream_mode = local.stream_mode
  }
}

resource "aws_kinesis_stream" "predictions" {
  name             = local.predictions_name
  retention_period = var.retention_hours
  shard_count      = var.shards
  encryption_type  = local.encryption_type
  kms_key_id       = local.emulated ? null : "alias/aws/kinesis"

  stream_mode_details {
    stream_mode = local.stream_mode
  }
}
