# Every name and ARN, made of variables: a policy need not wait for the resource that it speaks of.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  region    = data.aws_region.current.name
  partition = data.aws_partition.current.partition

  stack_name = "${var.prefix}belo" # tells this stack's metrics and roles from those of others in the account

  names = {
    listings     = "${var.prefix}listings"
    predictions  = "${var.prefix}predictions"
    score        = "${var.prefix}score"
    archive      = "${var.prefix}archive"
    monitor      = "${var.prefix}monitor"
    price_api    = "${var.prefix}price-api"
    requests     = "${var.prefix}retraining-requests"
    wake_ups     = "${var.prefix}retraining-wake-ups"
    undelivered  = "${var.prefix}undelivered"
    train_worker = "${var.prefix}train-worker"
  }

  # Bucket names are the world's, role names the account's.
  buckets = { for name in ["models", "dead-letters", "archive"] : name => "${local.stack_name}-${name}-${local.account}-${local.region}" }
  roles   = { for name in ["score", "archive", "monitor", "price-api", "train-worker", "train-worker-start", "train-worker-waker"] : name => "${local.stack_name}-${name}-${local.region}" }

  arns = {
    streams = "arn:${local.partition}:kinesis:${local.region}:${local.account}:stream"
    sqs     = "arn:${local.partition}:sqs:${local.region}:${local.account}"
    sns     = "arn:${local.partition}:sns:${local.region}:${local.account}"
    events  = "arn:${local.partition}:events:${local.region}:${local.account}"
  }

  listings_arn    = "${local.arns.streams}/${local.names.listings}"
  predictions_arn = "${local.arns.streams}/${local.names.predictions}"
  requests_arn    = "${local.arns.sqs}:${local.names.requests}"
  wake_ups_arn    = "${local.arns.sqs}:${local.names.wake_ups}"
  undelivered_arn = "${local.arns.sqs}:${local.names.undelivered}"
  event_bus_arn   = "${local.arns.events}:event-bus/default"
  rule_arns       = { for name in ["monitor", "retraining", "retraining-schedule", "retraining-sweep"] : name => "${local.arns.events}:rule/${var.prefix}${name}" }
}

# Another prefix would make another stack and destroy this one with its streams: a plan that would is refused, and so
# is `terraform destroy`. docs/runbook.md says how a stack is torn down on purpose.
resource "terraform_data" "lock" {
  count            = var.protected ? 1 : 0
  triggers_replace = [var.prefix, local.account, local.region]

  lifecycle {
    prevent_destroy = true
  }
}
