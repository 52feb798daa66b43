# The monitor: looks at the champion on a schedule, and says so where listings or sale prices have drifted.

module "monitor" {
  source          = "../function"
  name            = local.names.monitor
  role_name       = local.roles["monitor"]
  handler         = "lambdas.monitor.handler"
  memory_mb       = 1769 # a whole core: a look simulates what chance does
  timeout_seconds = 300
  settings        = local.function_settings
  policy          = data.aws_iam_policy_document.monitor.json

  environment = {
    BELO_MODELS_BUCKET         = module.models.name
    BELO_DEAD_LETTERS_BUCKET   = module.dead_letters.name
    BELO_ARCHIVE_BUCKET        = module.archive.name
    BELO_MONITOR_WINDOW_HOURS  = var.monitor_window_hours
    BELO_MONITOR_EVERY_MINUTES = var.monitor_every_minutes
  }
}

data "aws_iam_policy_document" "monitor" {
  statement {
    sid     = "Read"
    actions = ["s3:GetObject"]
    resources = [
      "${module.models.arn}/house-price/*",
      "${module.dead_letters.arn}/dead-letters/*",
      "${module.archive.arn}/predictions/*",
      "${module.archive.arn}/sales/*",
      "${module.archive.arn}/monitor/*",
      "${module.archive.arn}/index/*",
    ]
  }

  statement {
    sid       = "List"
    actions   = ["s3:ListBucket"]
    resources = [module.models.arn, module.dead_letters.arn, module.archive.arn]
  }

  statement {
    sid       = "KeepVerdicts"
    actions   = ["s3:PutObject"]
    resources = ["${module.archive.arn}/monitor/*"]
  }

  statement {
    sid       = "IndexTheArchive"
    actions   = ["s3:PutObject"]
    resources = ["${module.archive.arn}/index/*"]
  }

  statement {
    sid       = "AnnounceDrift"
    actions   = ["events:PutEvents"]
    resources = [local.event_bus_arn]

    # A request may carry several events, so that the key has several values: all must be ours, and there must be one.
    dynamic "condition" {
      for_each = contains(var.leave_out, "event_source_key") ? {} : { "ForAllValues:StringEquals" = "belo.monitor", "Null" = "false" }
      content {
        test     = condition.key
        variable = "events:source"
        values   = [condition.value]
      }
    }
  }

  statement {
    sid       = "HandOnWhatFailed"
    actions   = ["sqs:SendMessage"]
    resources = [local.undelivered_arn]
  }
}

resource "aws_cloudwatch_event_rule" "monitor" {
  name                = "${var.prefix}monitor"
  description         = "Lets the monitor look."
  schedule_expression = var.monitor_every_minutes == 1 ? "rate(1 minute)" : "rate(${var.monitor_every_minutes} minutes)"
}

resource "aws_cloudwatch_event_target" "monitor" {
  rule = aws_cloudwatch_event_rule.monitor.name
  arn  = module.monitor.live_arn

  dead_letter_config {
    arn = local.undelivered_arn
  }
}

resource "aws_lambda_permission" "monitor" {
  statement_id  = "schedule"
  action        = "lambda:InvokeFunction"
  function_name = module.monitor.name
  qualifier     = module.monitor.live
  principal     = "events.amazonaws.com"
  source_arn    = local.rule_arns["monitor"]
}

resource "aws_lambda_function_event_invoke_config" "monitor" {
  function_name          = module.monitor.name
  qualifier              = module.monitor.live
  maximum_retry_attempts = 2

  maximum_event_age_in_seconds = 21600

  destination_config {
    on_failure {
      destination = aws_sqs_queue.undelivered.arn
    }
  }
}

# --- what EventBridge could not deliver, and looks that failed three times --------------------------

resource "aws_sqs_queue" "undelivered" {
  name                              = local.names.undelivered
  message_retention_seconds         = 1209600 # 14 days, the longest there is
  sqs_managed_sse_enabled           = local.kms_key_arn == null ? true : null
  kms_master_key_id                 = local.kms_key_arn
  kms_data_key_reuse_period_seconds = local.kms_key_arn == null ? null : 3600
  policy                            = data.aws_iam_policy_document.undelivered.json
}

data "aws_iam_policy_document" "undelivered" {
  statement {
    sid       = "RulesMayLeaveEvents"
    actions   = ["sqs:SendMessage"]
    resources = [local.undelivered_arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = values(local.rule_arns)
    }
  }
}
