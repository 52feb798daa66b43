# Every alarm, in one map. `page`: listings are not priced, or could be lost, and somebody must look at once. `ticket`: it
# can wait until morning. docs/runbook.md says of each what it means and what to do. dashboard.tf draws the same metrics.

locals {
  ours  = { namespace = "belo-horizonte-pricing" }
  score = { stack = local.stack_name, function = "score" }
  watch = { stack = local.stack_name, function = "monitor" }

  look_seconds = var.monitor_every_minutes * 60

  alarms = merge({
    score-behind = {
      severity    = "page"
      description = "Listings wait for more than a minute, for five minutes: too few shards, or a batch that keeps failing."
      metrics     = { m = { namespace = "AWS/Lambda", name = "IteratorAge", dimensions = { FunctionName = local.names.score }, stat = "Maximum" } }
      threshold   = 60000 # ms
      period      = 60
      periods     = 5
    }

    score-failing = {
      severity    = "page"
      description = "Invocations fail minute after minute: a bad record cannot cause that, a missing champion or permission can."
      metrics     = { m = { namespace = "AWS/Lambda", name = "Errors", dimensions = { FunctionName = local.names.score }, stat = "Sum" } }
      period      = 60
      periods     = 3
    }

    score-throttled = {
      severity    = "page"
      description = "Lambda refuses to run the scoring function: the account's concurrency, or reserved_concurrency, is used up."
      metrics     = { m = { namespace = "AWS/Lambda", name = "Throttles", dimensions = { FunctionName = local.names.score }, stat = "Sum" } }
      period      = 60
      periods     = 5
    }

    score-idle = {
      severity    = "page"
      description = "Listings come and nobody scores them: the event source mapping is disabled, or was deleted."
      expression  = "IF(listings > 0 AND FILL(invocations, 0) == 0, 1, 0)"
      metrics = {
        listings    = { namespace = "AWS/Kinesis", name = "IncomingRecords", dimensions = { StreamName = local.names.listings }, stat = "Sum" }
        invocations = { namespace = "AWS/Lambda", name = "Invocations", dimensions = { FunctionName = local.names.score }, stat = "Sum" }
      }
      period  = 60
      periods = 5
    }

    predictions-unpublished = {
      severity    = "page"
      description = "Predictions cannot be put on their stream for a quarter of an hour; Lambda replays them, until they are too old."
      metrics     = { m = merge(local.ours, { name = "Unpublished", dimensions = local.score, stat = "Sum" }) }
      period      = 300
      periods     = 3
    }

    dead-letters = {
      severity    = "ticket"
      description = "Records were refused; `belo redrive --dry-run` says how many, and for which reasons."
      metrics     = { m = merge(local.ours, { name = "DeadLetters", dimensions = local.score, stat = "Sum" }) }
      period      = 300
    }

    champion-refused = {
      severity    = "ticket"
      description = "The version that champion.json names does not serve; the one before goes on."
      metrics     = { m = merge(local.ours, { name = "ChampionRefused", dimensions = local.score, stat = "Maximum" }) }
      period      = 300
      periods     = 2
    }

    challenger-dropped = {
      severity    = "ticket"
      description = "The challenger does not load, fails or is too slow: nothing is scored in its shadow."
      metrics     = { m = merge(local.ours, { name = "ChallengerDropped", dimensions = local.score, stat = "Maximum" }) }
      period      = 300
      periods     = 2
    }

    archive-behind = {
      severity    = "ticket"
      description = "Predictions wait for more than ten minutes to be archived; they expire with the stream's retention."
      metrics     = { m = { namespace = "AWS/Lambda", name = "IteratorAge", dimensions = { FunctionName = local.names.archive }, stat = "Maximum" } }
      threshold   = 600000 # ms
      period      = 300
      periods     = 2
    }

    archive-foreign-records = {
      severity    = "ticket"
      description = "Somebody else writes to the prediction stream: what is no prediction lies in the archive under foreign/."
      metrics     = { m = merge(local.ours, { name = "Foreign", dimensions = { stack = local.stack_name, function = "archive" }, stat = "Sum" }) }
      period      = 300
    }

    drift = {
      severity    = "ticket"
      description = "Listings or sale prices have moved away from what the champion knows; `belo monitor` says which."
      metrics     = { m = merge(local.ours, { name = "Drifted", dimensions = local.watch, stat = "Maximum" }) }
      period      = local.look_seconds
      missing     = "ignore" # between two looks it stays what it was
      tell_ok     = true
    }

    sales-set-apart = {
      severity    = "ticket"
      description = "Ten or more reported sales cannot be true, and count for nothing until somebody decides: `belo sales` lists them with what would explain them."
      metrics     = { m = merge(local.ours, { name = "SetApartSales", dimensions = local.watch, stat = "Maximum" }) }
      threshold   = 9
      period      = local.look_seconds
      missing     = "ignore"
    }

    monitor-failing = {
      severity    = "ticket"
      description = "The monitor cannot look, and nobody would know of a drift."
      metrics     = { m = { namespace = "AWS/Lambda", name = "Errors", dimensions = { FunctionName = local.names.monitor }, stat = "Sum" } }
      period      = local.look_seconds
      periods     = 2
    }

    monitor-silent = {
      severity    = "ticket"
      description = "Listings are scored, and the monitor has not been called for two periods."
      expression  = "IF(scored > 0 AND FILL(looks, 0) == 0, 1, 0)"
      metrics = {
        scored = { namespace = "AWS/Lambda", name = "Invocations", dimensions = { FunctionName = local.names.score }, stat = "Sum" }
        looks  = { namespace = "AWS/Lambda", name = "Invocations", dimensions = { FunctionName = local.names.monitor }, stat = "Sum" }
      }
      period  = local.look_seconds
      periods = 2
    }

    undelivered = {
      severity    = "ticket"
      description = "EventBridge could not deliver an event, or a look of the monitor failed three times; the messages say which."
      metrics     = { m = { namespace = "AWS/SQS", name = "ApproximateNumberOfMessagesVisible", dimensions = { QueueName = local.names.undelivered }, stat = "Maximum" } }
      period      = 300
    }
    },

    { for name, alarm in {
      listings-parked = {
        severity    = "page"
        description = "Lambda gave up on a batch and parked it under aws/lambda/ in the dead-letters bucket; `belo redrive` brings it back."
        metrics     = { m = { namespace = "AWS/Lambda", name = "OnFailureDestinationDeliveredEventCount", dimensions = { EventSourceMappingUUID = module.score.mapping_id }, stat = "Sum" } }
        period      = 300
      }

      predictions-parked = {
        severity    = "ticket"
        description = "Lambda gave up on a batch of predictions and parked it under aws/lambda/ in the archive bucket: the archive has a hole."
        metrics     = { m = { namespace = "AWS/Lambda", name = "OnFailureDestinationDeliveredEventCount", dimensions = { EventSourceMappingUUID = module.archiver.mapping_id }, stat = "Sum" } }
        period      = 300
      }
    } : name => alarm if local.mapping_metrics },

    { for name, alarm in {
      retraining-failing = {
        severity    = "ticket"
        description = "A retraining request was given up after five attempts; the worker's log says why."
        metrics     = { m = { namespace = "AWS/SQS", name = "ApproximateNumberOfMessagesVisible", dimensions = { QueueName = "${local.names.requests}-dead" }, stat = "Maximum" } }
        period      = 300
      }

      retraining-waiting = {
        severity    = "ticket"
        description = "A retraining request has waited for a day: there is no worker (training_image), or none starts. After 14 days it vanishes."
        metrics     = { m = { namespace = "AWS/SQS", name = "ApproximateAgeOfOldestMessage", dimensions = { QueueName = local.names.requests }, stat = "Maximum" } }
        threshold   = 86400 # s
        period      = 3600
      }
    } : name => alarm if var.retraining },

    { for name, alarm in {
      price-api-failing = {
        severity    = "page"
        description = "POST /price answers with server errors, minute after minute; 503 means that there is no champion."
        metrics     = { m = { namespace = "AWS/ApiGateway", name = "5XXError", dimensions = { ApiName = local.names.price_api, Stage = "v1" }, stat = "Sum" } }
        period      = 60
        periods     = 3
      }
    } : name => alarm if var.price_api },
  )

  watched = { for name, alarm in local.alarms : name => alarm if local.topics == 1 }
  topics  = contains(var.leave_out, "alarms") ? 0 : 1

  pages_arn   = "${local.arns.sns}:${var.prefix}pages"
  tickets_arn = "${local.arns.sns}:${var.prefix}tickets"
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each          = local.watched
  alarm_name        = "${var.prefix}${each.key}"
  alarm_description = each.value.description

  # On one metric, called m, or on an expression of several.
  namespace   = try(each.value.metrics.m.namespace, null)
  metric_name = try(each.value.metrics.m.name, null)
  dimensions  = try(each.value.metrics.m.dimensions, null)
  statistic   = try(each.value.metrics.m.stat, null)
  period      = can(each.value.expression) ? null : each.value.period

  dynamic "metric_query" {
    for_each = can(each.value.expression) ? each.value.metrics : {}
    content {
      id = metric_query.key

      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.name
        dimensions  = metric_query.value.dimensions
        stat        = metric_query.value.stat
        period      = each.value.period
      }
    }
  }

  dynamic "metric_query" {
    for_each = can(each.value.expression) ? [each.value.expression] : []
    content {
      id          = "rings"
      expression  = metric_query.value
      label       = each.key
      return_data = true
    }
  }

  comparison_operator = "GreaterThanThreshold"
  threshold           = try(each.value.threshold, 0)
  evaluation_periods  = try(each.value.periods, 1)
  treat_missing_data  = try(each.value.missing, "notBreaching") # nothing happens, nothing is wrong
  alarm_actions       = [each.value.severity == "page" ? local.pages_arn : local.tickets_arn]
  ok_actions          = try(each.value.tell_ok, false) ? [local.tickets_arn] : []

  depends_on = [aws_sns_topic.pages, aws_sns_topic.tickets]
}

resource "aws_sns_topic" "pages" {
  count = local.topics
  #checkov:skip=CKV_AWS_26:CloudWatch cannot publish under AWS's own key, and an alarm says nothing secret; own_kms_key sets one
  name              = "${var.prefix}pages"
  kms_master_key_id = local.kms_key_arn
}

resource "aws_sns_topic" "tickets" {
  count = local.topics
  #checkov:skip=CKV_AWS_26:as above
  name              = "${var.prefix}tickets"
  kms_master_key_id = local.kms_key_arn
}

resource "aws_sns_topic_subscription" "pages" {
  count     = var.page_email == null ? 0 : local.topics
  topic_arn = aws_sns_topic.pages[0].arn
  protocol  = "email"
  endpoint  = var.page_email
}

resource "aws_sns_topic_subscription" "tickets" {
  count     = var.alarm_email == null ? 0 : local.topics
  topic_arn = aws_sns_topic.tickets[0].arn
  protocol  = "email"
  endpoint  = var.alarm_email
}
