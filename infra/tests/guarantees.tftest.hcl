# What the stack promises, planned and applied on a provider that talks to nobody.

mock_provider "aws" {
  source = "./tests/aws"
}

variables {
  bundle = "versions.tf" # any file will do
}

run "the_names_are_those_that_programs_call" {
  command = plan

  assert {
    condition = [
      output.listings_stream, output.predictions_stream, output.score_function,
      module.models.name, module.dead_letters.name, module.archive.name,
      ] == [
      "listings", "predictions", "score",
      "belo-models-123456789012", "belo-dead-letters-123456789012", "belo-archive-123456789012",
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
    condition     = aws_kinesis_stream.listings.retention_period * 3600 >= 2 * aws_lambda_event_source_mapping.listings.maximum_record_age_in_seconds
    error_message = "records expire before they are parked"
  }

  assert {
    condition     = aws_lambda_event_source_mapping.listings.bisect_batch_on_function_error
    error_message = "one bad record would park its whole batch"
  }

  assert {
    condition     = contains(aws_lambda_event_source_mapping.listings.function_response_types, "ReportBatchItemFailures")
    error_message = "what the function reports as unpublished would be dropped"
  }

  assert {
    condition     = aws_lambda_event_source_mapping.listings.destination_config[0].on_failure[0].destination_arn == "arn:aws:s3:::the-dead-letters"
    error_message = "a batch that is given up would be lost"
  }

  assert {
    condition     = aws_lambda_event_source_mapping.listings.maximum_retry_attempts == -1 && aws_lambda_event_source_mapping.listings.starting_position == "TRIM_HORIZON"
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
    condition     = !contains(flatten(data.aws_iam_policy_document.score.statement[*].resources), "*")
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
    condition     = length(aws_cloudwatch_metric_alarm.behind) + length(aws_cloudwatch_metric_alarm.failing) == 2
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

run "an_endpoint_without_an_emulator_is_refused" {
  command = plan

  variables {
    endpoint = "http://127.0.0.1:4566"
  }

  expect_failures = [var.endpoint]
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
