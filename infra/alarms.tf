# Two alarms, which tell the topic of monitor.tf. Left out on emulators: MiniStack forgets parts of an
# alarm, and every plan would want them back.

resource "aws_cloudwatch_metric_alarm" "behind" {
  count               = local.emulated ? 0 : 1
  alarm_name          = "${var.prefix}score-behind"
  alarm_description   = "Listings wait for more than a minute, for five minutes: too few shards, or a batch that keeps failing."
  namespace           = "AWS/Lambda"
  metric_name         = "IteratorAge"
  dimensions          = { FunctionName = module.score.name }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 60000 # ms
  period              = 60
  evaluation_periods  = 5
  treat_missing_data  = "notBreaching" # no records, no age
  alarm_actions       = [local.alarms_topic]
}

resource "aws_cloudwatch_metric_alarm" "failing" {
  count               = local.emulated ? 0 : 1
  alarm_name          = "${var.prefix}score-failing"
  alarm_description   = "Invocations fail minute after minute: a bad record cannot cause that, a missing champion or permission can."
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = module.score.name }
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  evaluation_periods  = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.alarms_topic]
}
