# The monitor: looks at the champion on a schedule, and says so where listings or sale prices have drifted.

variable "monitor_every_minutes" {
  description = "Minutes between the monitor's looks."
  type        = number
  default     = 60

  validation {
    condition     = var.monitor_every_minutes >= 1 && var.monitor_every_minutes <= 1440 && floor(var.monitor_every_minutes) == var.monitor_every_minutes
    error_message = "monitor_every_minutes: expected a whole number from 1 to 1440."
  }
}

variable "monitor_window_hours" {
  description = "Hours of listings that the monitor holds against the champion's training part."
  type        = number
  default     = 168

  validation {
    condition     = var.monitor_window_hours >= 1 && var.monitor_window_hours <= 2160
    error_message = "monitor_window_hours: expected 1 to 2160."
  }
}

variable "alarm_email" {
  description = "Address that alarms and drift are sent to, once it has confirmed; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.alarm_email == null ? true : can(regex("^[^@\\s]+@[^@\\s]+$", var.alarm_email))
    error_message = "alarm_email: expected an address."
  }
}

locals {
  # Made of names, as the streams' are.
  event_bus    = "arn:${data.aws_partition.current.partition}:events:${var.region}:${local.account}:event-bus/default"
  monitor_rule = "arn:${data.aws_partition.current.partition}:events:${var.region}:${local.account}:rule/${var.prefix}monitor"
  alarms_topic = "arn:${data.aws_partition.current.partition}:sns:${var.region}:${local.account}:${var.prefix}alarms"
}

module "monitor" {
  source             = "./modules/function"
  name               = "${var.prefix}monitor"
  handler            = "lambdas.monitor.handler"
  runtime            = var.runtime
  memory_mb          = 1769 # a whole core: a look simulates what chance does
  timeout_seconds    = 300
  log_retention_days = var.log_retention_days
  tracing            = var.tracing
  policy             = data.aws_iam_policy_document.monitor.json
  bundle             = local.deployed_bundle

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
    resources = [local.event_bus]

    dynamic "condition" {
      for_each = local.emulated ? [] : [true] # MiniStack does not know the key, and would refuse
      content {
        test     = "StringEquals"
        variable = "events:source"
        values   = ["belo.monitor"]
      }
    }
  }
}

resource "aws_cloudwatch_event_rule" "monitor" {
  name                = "${var.prefix}monitor"
  description         = "Lets the monitor look."
  schedule_expression = var.monitor_every_minutes == 1 ? "rate(1 minute)" : "rate(${var.monitor_every_minutes} minutes)"
}

resource "aws_cloudwatch_event_target" "monitor" {
  rule = aws_cloudwatch_event_rule.monitor.name
  arn  = module.monitor.arn
}

resource "aws_lambda_permission" "monitor" {
  statement_id  = "schedule"
  action        = "lambda:InvokeFunction"
  function_name = module.monitor.name
  principal     = "events.amazonaws.com"
  source_arn    = local.monitor_rule
}

# --- whom it may concern --------------------------------------------------------------------

resource "aws_sns_topic" "alarms" {
  count = local.emulated ? 0 : 1 # local clouds have nobody to call
  #checkov:skip=CKV_AWS_26:CloudWatch cannot publish under AWS's own key, and an alarm says nothing secret
  name = "${var.prefix}alarms"
}

resource "aws_sns_topic_subscription" "email" {
  count     = var.alarm_email == null || local.emulated ? 0 : 1
  topic_arn = aws_sns_topic.alarms[0].arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

resource "aws_cloudwatch_metric_alarm" "drift" {
  count               = local.emulated ? 0 : 1 # as in alarms.tf
  alarm_name          = "${var.prefix}drift"
  alarm_description   = "Listings or sale prices have moved away from what the champion knows; `belo monitor` says which."
  namespace           = "belo-horizonte-pricing"
  metric_name         = "Drifted"
  dimensions          = { function = "monitor" }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = var.monitor_every_minutes * 60
  evaluation_periods  = 1
  treat_missing_data  = "ignore" # between two looks it stays what it was
  alarm_actions       = [local.alarms_topic]
  ok_actions          = [local.alarms_topic]
}

resource "aws_cloudwatch_metric_alarm" "sales_set_apart" {
  count               = local.emulated ? 0 : 1
  alarm_name          = "${var.prefix}sales-set-apart"
  alarm_description   = "Ten or more reported sales cannot be true, and count for nothing until somebody decides: `belo sales` lists them with what would explain them."
  namespace           = "belo-horizonte-pricing"
  metric_name         = "SetApartSales"
  dimensions          = { function = "monitor" }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 10
  period              = var.monitor_every_minutes * 60
  evaluation_periods  = 1
  treat_missing_data  = "ignore"
  alarm_actions       = [local.alarms_topic]
}

resource "aws_cloudwatch_metric_alarm" "monitor_failing" {
  count               = local.emulated ? 0 : 1
  alarm_name          = "${var.prefix}monitor-failing"
  alarm_description   = "The monitor cannot look, and nobody would know of a drift."
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = module.monitor.name }
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = var.monitor_every_minutes * 60
  evaluation_periods  = 2
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.alarms_topic]
}

resource "aws_cloudwatch_metric_alarm" "monitor_silent" {
  count               = local.emulated ? 0 : 1
  alarm_name          = "${var.prefix}monitor-silent"
  alarm_description   = "The monitor has not been called for two periods."
  namespace           = "AWS/Lambda"
  metric_name         = "Invocations"
  dimensions          = { FunctionName = module.monitor.name }
  statistic           = "Sum"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = var.monitor_every_minutes * 60
  evaluation_periods  = 2
  treat_missing_data  = "breaching"
  alarm_actions       = [local.alarms_topic]
}

output "monitor_function" {
  description = "The monitor; invoked with {} it looks at once."
  value       = module.monitor.name
}

output "topic" {
  description = "Topic of alarms and promotions, an ARN; none on a local cloud."
  value       = one(aws_sns_topic.alarms[*].arn)
}
