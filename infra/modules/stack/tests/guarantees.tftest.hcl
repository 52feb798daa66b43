# What the stack promises, planned and applied on a provider that talks to nobody.

mock_provider "aws" {
  source = "./tests/aws"
}

variables {
  bundle    = "versions.tf" # any file will do
  protected = false         # or nothing could be put away after a test
}

run "the_names_are_those_that_programs_call" {
  command = plan

  assert {
    condition = [
      output.listings_stream, output.predictions_stream, output.score_function,
      module.models.name, module.dead_letters.name, module.archive.name,
      ] == [
      "listings", "predictions", "score",
      "belo-models-123456789012-sa-east-1", "belo-dead-letters-123456789012-sa-east-1", "belo-archive-123456789012-sa-east-1",
    ]
    error_message = "a name has changed"
  }
}

run "a_failing_batch_is_narrowed_down_and_parked_long_before_its_records_expire" {
  command = apply

  override_resource {
    target = module.dead_letters.aws_s3_bucket.this
    values = { arn = "arn:aws:s3:::the-dead-letters" }
  }

  assert {
    condition     = aws_kinesis_stream.listings.retention_period * 3600 >= 2 * module.score.mapping.maximum_record_age_in_seconds
    error_message = "records expire before they are parked"
  }

  assert {
    condition     = module.score.mapping.bisect_batch_on_function_error
    error_message = "one bad record would park its whole batch"
  }

  assert {
    condition     = contains(module.score.mapping.function_response_types, "ReportBatchItemFailures")
    error_message = "what the function reports as unpublished would be dropped"
  }

  assert {
    condition     = module.score.mapping.destination_config[0].on_failure[0].destination_arn == "arn:aws:s3:::the-dead-letters"
    error_message = "a batch that is given up would be lost"
  }

  assert {
    condition     = module.score.mapping.maximum_retry_attempts == -1 && module.score.mapping.starting_position == "TRIM_HORIZON"
    error_message = "records would be given up early, or skipped"
  }
}

run "the_function_may_do_nothing_but_its_work" {
  command = plan

  assert {
    condition     = alltrue([for action in flatten(data.aws_iam_policy_document.score.statement[*].actions) : !strcontains(action, "*")])
    error_message = "an action with a wildcard"
  }

  assert {
    condition     = !contains(flatten(concat(data.aws_iam_policy_document.score.statement[*].resources, data.aws_iam_policy_document.price_api.statement[*].resources)), "*")
    error_message = "a statement for every resource"
  }
}

run "streams_are_encrypted_and_alarms_stand_on_aws" {
  command = plan

  assert {
    condition = alltrue([
      for stream in [aws_kinesis_stream.listings, aws_kinesis_stream.predictions] :
      stream.encryption_type == "KMS" && stream.shard_count == 2 && stream.retention_period == 48
    ])
    error_message = "a stream is not as promised"
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.this) == length(local.alarms) && length(aws_cloudwatch_metric_alarm.this) >= 20
    error_message = "an alarm is missing"
  }
}

run "without_a_number_of_shards_the_streams_scale_on_demand" {
  command = plan

  variables {
    shards = null
  }

  assert {
    condition     = aws_kinesis_stream.listings.stream_mode_details[0].stream_mode == "ON_DEMAND"
    error_message = "the stream is provisioned"
  }
}

run "a_prefix_stands_before_every_name" {
  command = plan

  variables {
    prefix = "staff-"
  }

  assert {
    condition     = alltrue([for name in [output.listings_stream, output.predictions_stream, output.score_function, module.models.name] : startswith(name, "staff-")])
    error_message = "a name without the prefix"
  }
}

run "an_age_limit_that_outlives_the_records_is_refused" {
  command = plan

  variables {
    max_record_age_seconds = 604800
  }

  expect_failures = [var.retention_hours]
}

run "a_runtime_that_the_wheels_cannot_run_on_is_refused" {
  command = plan

  variables {
    runtime = "python3.11"
  }

  expect_failures = [var.runtime]
}

run "what_is_left_out_is_named_as_the_module_knows_it" {
  command = plan

  variables {
    leave_out = ["alarm"]
  }

  expect_failures = [var.leave_out]
}

run "who_is_called_when_is_one_of_two" {
  command = plan

  assert {
    condition     = alltrue([for alarm in local.alarms : contains(["page", "ticket"], alarm.severity)])
    error_message = "an alarm that nobody hears"
  }

  assert {
    condition     = alltrue([for name in ["score-behind", "score-failing", "score-idle", "score-throttled", "listings-parked", "predictions-unpublished"] : local.alarms[name].severity == "page"])
    error_message = "listings could be lost while everybody sleeps"
  }
}

run "another_stack_of_the_account_has_metrics_and_roles_of_its_own" {
  command = plan

  variables {
    prefix = "dev-"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["dead-letters"].dimensions == tomap({ stack = "dev-belo", function = "score" }) && local.roles["score"] == "dev-belo-score-sa-east-1"
    error_message = "dev rings prod"
  }
}

run "with_its_own_key_everything_is_encrypted_with_it" {
  command = apply

  variables {
    own_kms_key = true
  }

  assert {
    condition     = alltrue([for key in [aws_kinesis_stream.listings.kms_key_id, aws_sns_topic.pages[0].kms_master_key_id, aws_sqs_queue.undelivered.kms_master_key_id, aws_sqs_queue.requests[0].kms_master_key_id] : key == aws_kms_key.this[0].arn])
    error_message = "something is encrypted with another key"
  }
}

run "with_a_network_of_its_own_the_functions_stand_in_it" {
  command = apply

  variables {
    own_network = "10.0.0.0/24"
  }

  assert {
    condition     = length(aws_vpc_endpoint.services) == 5 && length(local.function_network.subnets) == 2
    error_message = "a function without a way to what it calls"
  }
}

run "with_fan_out_the_function_hears_at_once" {
  command = apply

  variables {
    enhanced_fan_out = true
  }

  assert {
    condition     = module.score.mapping.event_source_arn == aws_kinesis_stream_consumer.score[0].arn
    error_message = "the function polls"
  }
}

run "what_is_kept_shorter_than_the_monitor_reads_is_refused" {
  command = plan

  variables {
    keep_days = { predictions = 30 }
  }

  expect_failures = [var.keep_days]
}

run "by_key_callers_have_a_usage_plan" {
  command = plan

  variables {
    price_api_auth = "key"
  }

  assert {
    condition     = aws_api_gateway_method.price[0].api_key_required && aws_api_gateway_usage_plan.price[0].throttle_settings[0].rate_limit == 50
    error_message = "anybody may ask"
  }
}

run "without_the_price_api_there_is_none" {
  command = plan

  variables {
    price_api = false
  }

  assert {
    condition     = length(aws_api_gateway_rest_api.price) == 0 && output.price_url == null && !contains(keys(output.policies), "pricer")
    error_message = "an API is left"
  }
}

run "nothing_starts_from_a_snapshot_unless_somebody_wants_it" {
  command = plan

  assert {
    condition     = length(module.price_api[0].snap_start) == 0 && length(module.monitor.snap_start) == 0
    error_message = "snapshots are billed, and nobody asked for them"
  }
}

run "the_price_api_starts_from_a_snapshot_of_what_was_published_and_nothing_else_does" {
  command = plan

  variables {
    price_api_snap_start = true
  }

  assert {
    condition     = module.price_api[0].snap_start == tolist(["PublishedVersions"]) && length(module.monitor.snap_start) == 0
    error_message = "started anew, or the wrong one from a snapshot"
  }
}

run "a_snapshot_of_a_runtime_that_aws_does_not_restore_is_refused" {
  command = plan

  variables {
    price_api_snap_start = true
    runtime              = "python3.11"
    leave_out            = ["runtime_check"]
  }

  expect_failures = [var.price_api_snap_start]
}

run "an_emulator_takes_no_snapshot" {
  command = plan

  variables {
    price_api_snap_start = true
    runtime              = "python3.11"
    leave_out            = ["runtime_check", "snap_start"]
  }

  assert {
    condition     = length(module.price_api[0].snap_start) == 0
    error_message = "what the emulator refuses"
  }
}

run "belo_finds_the_stack_by_one_output" {
  command = apply

  assert {
    condition = alltrue([
      for line in ["AWS_REGION=sa-east-1", "BELO_LISTINGS_STREAM=listings", "BELO_SCORE_FUNCTION=score", "BELO_RETRAINING_QUEUE=retraining-requests"] :
      contains(split("\n", output.stack_env), line)
    ])
    error_message = "a stack without a name"
  }
}
