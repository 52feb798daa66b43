# The stack at a glance: what comes in, what goes out, how long it takes, what is refused, which model prices, how well.

locals {
  m = { for name, alarm in local.alarms : name => [for each in values(alarm.metrics) : concat([each.namespace, each.name], flatten([for key, value in each.dimensions : [key, value]]))] }

  widgets = [
    { title = "Listings in, predictions out (records a minute)", stat = "Sum", metrics = [
      ["AWS/Kinesis", "IncomingRecords", "StreamName", local.names.listings],
      ["AWS/Kinesis", "IncomingRecords", "StreamName", local.names.predictions],
    ] },
    { title = "From arrival to prediction (ms; p50, p95, p99)", stat = "p95", metrics = [
      for stat in ["p50", "p95", "p99"] : concat(local.metric.latency, [{ stat = stat, label = stat }])
    ] },
    { title = "Iterator age (ms, the oldest)", stat = "Maximum", metrics = concat(local.m["score-behind"], local.m["archive-behind"]) },
    { title = "Failed and throttled invocations", stat = "Sum", metrics = concat(local.m["score-failing"], local.m["score-throttled"], local.m["monitor-failing"]) },
    { title = "Refused, unpublished and parked records", stat = "Sum", metrics = concat(
      local.m["dead-letters"], local.m["predictions-unpublished"], try(local.m["listings-parked"], []), try(local.m["predictions-parked"], [])
    ) },
    { title = "Models that do not serve (1: yes)", stat = "Maximum", metrics = concat(local.m["champion-refused"], local.m["challenger-dropped"]) },
    { title = "Drift (1: yes), and sales set apart", stat = "Maximum", metrics = concat(local.m["drift"], local.m["sales-set-apart"]) },
    { title = "Error on sales, shift of prices and coverage (%)", stat = "Average", metrics = [
      for name in ["MedianError", "PriceShift", "Coverage", "ExpectedError"] : concat(["belo-horizonte-pricing", name], local.watch_dimensions)
    ] },
  ]

  watch_dimensions = flatten([for key, value in local.watch : [key, value]])
  metric           = { latency = concat(["belo-horizonte-pricing", "Latency"], flatten([for key, value in local.score : [key, value]])) }
}

resource "aws_cloudwatch_dashboard" "this" {
  count          = local.topics
  dashboard_name = "${local.stack_name}-${local.region}"

  dashboard_body = jsonencode({
    widgets = concat(
      [{ type = "alarm", x = 0, y = 0, width = 24, height = 3, properties = {
        title  = "Alarms"
        alarms = [for name in sort(keys(local.watched)) : aws_cloudwatch_metric_alarm.this[name].arn]
      } }],
      [for index, each in local.widgets : { type = "metric", x = 12 * (index % 2), y = 3 + 6 * floor(index / 2), width = 12, height = 6, properties = {
        title   = each.title
        region  = local.region
        view    = "timeSeries"
        stat    = each.stat
        period  = 60
        metrics = each.metrics
        yAxis   = { left = { min = 0 } }
      } }],
      [{ type = "log", x = 0, y = 3 + 6 * ceil(length(local.widgets) / 2), width = 24, height = 6, properties = {
        title  = "Predictions by version of the model"
        region = local.region
        view   = "timeSeries"
        query  = "SOURCE '/aws/lambda/${local.names.score}' | stats sum(Predictions) by bin(5m), model_version"
      } }],
    )
  })
}
