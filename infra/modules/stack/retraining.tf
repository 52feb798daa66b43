# Requests for a retraining: an alarm of the monitor, the schedule or a person puts an event on the bus, and a rule
# brings it to the queue, where it waits until a worker (`belo train-worker`) has recorded what came of it.
#
# On AWS the worker is a Fargate task. EventBridge Pipes deletes what it has handed to ECS, done or not; so the pipe
# reads a queue of its own, whose only use is to wake a worker, and the request itself stays until the worker deletes
# it. Should a worker die, the request is visible again after `retraining_silence_seconds`, and the hourly sweep
# starts another one.

locals {
  retraining = var.retraining ? 1 : 0

  retraining_rule_arns = [local.rule_arns["retraining"], local.rule_arns["retraining-schedule"]]
}

# Policies inside the queues, not as resources of their own: the provider waits 25 s for each of those.
resource "aws_sqs_queue" "requests" {
  count                      = local.retraining
  name                       = local.names.requests
  visibility_timeout_seconds = var.retraining_silence_seconds
  message_retention_seconds  = 1209600 # 14 days, the longest there is
  sqs_managed_sse_enabled    = local.kms_key_arn == null ? true : null
  kms_master_key_id          = local.kms_key_arn
  policy                     = data.aws_iam_policy_document.requests[0].json

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_requests[0].arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue" "dead_requests" {
  count                     = local.retraining
  name                      = "${local.names.requests}-dead"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = local.kms_key_arn == null ? true : null
  kms_master_key_id         = local.kms_key_arn

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [local.requests_arn]
  })
}

# --- who may ask ----------------------------------------------------------------------------

resource "aws_cloudwatch_event_rule" "retraining" {
  count       = local.retraining
  name        = "${var.prefix}retraining"
  description = "The monitor saw a drift, or somebody asked: retrain."

  event_pattern = jsonencode({
    source      = ["belo.monitor", "belo.cli"]
    detail-type = ["DriftDetected", "RetrainingRequested"]
    resources   = ["arn:aws:s3:::${module.archive.name}"] # all stacks of an account share the bus; spelt as the events are
  })
}

resource "aws_cloudwatch_event_rule" "retraining_schedule" {
  count               = var.retraining_schedule == null ? 0 : local.retraining
  name                = "${var.prefix}retraining-schedule"
  description         = "Decides what is open: a drift that no challenger has mended yet, a challenger in shadow, a month without a contest."
  schedule_expression = var.retraining_schedule
}

resource "aws_cloudwatch_event_target" "requests" {
  for_each = local.retraining_rules
  rule     = each.value
  arn      = aws_sqs_queue.requests[0].arn

  dead_letter_config {
    arn = local.undelivered_arn
  }
}

locals {
  retraining_rules = merge(
    { for rule in aws_cloudwatch_event_rule.retraining : "retraining" => rule.name },
    { for rule in aws_cloudwatch_event_rule.retraining_schedule : "schedule" => rule.name },
  )
}

data "aws_iam_policy_document" "requests" {
  count = local.retraining

  statement {
    sid       = "RulesMayAsk"
    actions   = ["sqs:SendMessage"]
    resources = [local.requests_arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = local.retraining_rule_arns
    }
  }
}
