locals {
  # Made of names, so that the function need not wait half a minute for the streams.
  streams          = "arn:${data.aws_partition.current.partition}:kinesis:${var.region}:${local.account}:stream"
  listings_name    = "${var.prefix}listings"
  predictions_name = "${var.prefix}predictions"
  stream_mode      = var.shards == null ? "ON_DEMAND" : "PROVISIONED"

  # On emulators, which neither encrypt nor expire records, the provider would wait 10 s for each of these.
  encryption_type = local.emulated ? "NONE" : "KMS"
  retention_hours = local.emulated ? 24 : var.retention_hours
}

resource "aws_kinesis_stream" "listings" {
  name             = local.listings_name
  retention_period = local.retention_hours
  shard_count      = var.shards
  encryption_type  = local.encryption_type
  kms_key_id       = local.emulated ? null : "alias/aws/kinesis"

  stream_mode_details {
    stream_mode = local.stream_mode
  }
}

resource "aws_kinesis_stream" "predictions" {
  name             = local.predictions_name
  retention_period = local.retention_hours
  shard_count      = var.shards
  encryption_type  = local.encryption_type
  kms_key_id       = local.emulated ? null : "alias/aws/kinesis"

  stream_mode_details {
    stream_mode = local.stream_mode
  }
}
