# What the archive and the monitor promise, planned on a provider that talks to nobody.

mock_provider "aws" {
  source = "./tests/aws"
}

variables {
  bundle    = "versions.tf" # any file will do
  protected = false         # or nothing could be put away after a test
}

run "nobody_may_do_more_than_his_work" {
  command = apply

  assert {
    condition = alltrue([
      for action in flatten([
        data.aws_iam_policy_document.archiver.statement[*].actions,
        data.aws_iam_policy_document.monitor.statement[*].actions,
      ]) : !strcontains(action, "*")
    ])
    error_message = "an action with a wildcard"
  }

  assert {
    condition     = !contains(flatten([data.aws_iam_policy_document.archiver.statement[*].resources, data.aws_iam_policy_document.monitor.statement[*].resources]), "*")
    error_message = "a statement for every resource"
  }

  assert {
    condition = alltrue([
      for each in data.aws_iam_policy_document.monitor.statement :
      contains(["KeepVerdicts", "IndexTheArchive"], each.sid) || !contains(each.actions, "s3:PutObject")
    ])
    error_message = "the monitor may write more than its verdicts and the index"
  }
}

run "the_monitor_speaks_for_itself_alone" {
  command = apply

  assert {
    condition = flatten([
      for each in data.aws_iam_policy_document.monitor.statement : [for one in each.condition : "${one.test} ${one.variable} ${join(" ", one.values)}"]
      if each.sid == "AnnounceDrift"
    ]) == ["ForAllValues:StringEquals events:source belo.monitor", "Null events:source false"]
    error_message = "the monitor may put events of others on the bus"
  }
}

run "the_schedule_is_spelt_as_eventbridge_wants_it" {
  command = plan

  assert {
    condition     = aws_cloudwatch_event_rule.monitor.schedule_expression == "rate(60 minutes)"
    error_message = "the monitor does not look every hour"
  }
}

run "every_minute_too" {
  command = plan

  variables {
    monitor_every_minutes = 1
  }

  assert {
    condition     = aws_cloudwatch_event_rule.monitor.schedule_expression == "rate(1 minute)"
    error_message = "EventBridge refuses the plural of one"
  }
}

run "a_batch_that_fails_is_never_bisected_and_waits_on_aws_for_more" {
  command = plan

  assert {
    condition = (
      module.archiver.mapping.maximum_batching_window_in_seconds == 60
      && module.archiver.mapping.starting_position == "TRIM_HORIZON"
      && module.archiver.mapping.maximum_retry_attempts == -1
    )
    error_message = "the archive would be of many small objects, or have holes"
  }
}

run "somebody_is_called_where_an_address_is_given" {
  command = plan

  variables {
    alarm_email = "somebody@example.com"
  }

  assert {
    condition     = aws_sns_topic_subscription.tickets[0].endpoint == "somebody@example.com"
    error_message = "nobody is called"
  }
}

run "what_is_no_address_is_refused" {
  command = plan

  variables {
    alarm_email = "somebody"
  }

  expect_failures = [var.alarm_email]
}

run "what_an_emulator_would_forget_can_be_left_out" {
  command = plan

  variables {
    leave_out              = ["alarms", "event_source_key"]
    archive_window_seconds = 0
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.this) + length(aws_sns_topic.tickets) + length(aws_cloudwatch_dashboard.this) == 0
    error_message = "an alarm that MiniStack would forget parts of"
  }
}
