locals {
  stream_mode = var.shards == null ? "ON_DEMAND" : "PROVISIONED"
  encrypted   = !contains(var.leave_out, "stream_encryption")
  stream_key  = local.encrypted ? coalesce(local.kms_key_arn, "alias/aws/kinesis") : null
}

resource "aws_kinesis_stream" "listings" {
  name             = local.names.listings
  retention_period = var.retention_hours
  shard_count      = var.shards
  encryption_type  = local.encrypted ? "KMS" : "NONE"
  kms_key_id       = local.stream_key

  stream_mode_details {
    stream_mode = local.stream_mode
  }

  depends_on = [terraform_data.lock]
}

resource "aws_kinesis_stream" "predictions" {
  name             = local.names.predictions
  retention_period = var.retention_hours
  shard_count      = var.shards
  encryption_type  = local.encrypted ? "KMS" : "NONE"
  kms_key_id       = local.stream_key

  stream_mode_details {
    stream_mode = local.stream_mode
  }

  depends_on = [terraform_data.lock]
}

# Enhanced fan-out: a connection of its own for the function, which hears of a record after 70 ms instead of at its
# next poll, a second later at most. Billed by shard and hour, and by volume.
resource "aws_kinesis_stream_consumer" "score" {
  count      = var.enhanced_fan_out ? 1 : 0
  name       = local.names.score
  stream_arn = aws_kinesis_stream.listings.arn
}
