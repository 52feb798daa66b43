# What the retraining promises, planned on a provider that talks to nobody.

mock_provider "aws" {
  source = "./tests/aws"
}

variables {
  bundle    = "versions.tf" # any file will do
  protected = false         # or nothing could be put away after a test
}

run "without_retraining_there_is_nobody_to_ask" {
  command = plan

  variables {
    retraining = false
  }

  assert {
    condition     = length(aws_sqs_queue.requests) + length(aws_cloudwatch_event_rule.retraining) + length(aws_cloudwatch_event_target.requests) == 0
    error_message = "retraining is left out whole, or not at all"
  }
}

run "a_request_that_keeps_failing_ends_in_the_dead_letter_queue" {
  command = apply

  override_resource {
    target = aws_sqs_queue.dead_requests
    values = { arn = "arn:aws:sqs:sa-east-1:123456789012:the-dead-requests" }
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.requests[0].redrive_policy) == { deadLetterTargetArn = "arn:aws:sqs:sa-east-1:123456789012:the-dead-requests", maxReceiveCount = 5 }
    error_message = "a poison request would come for ever"
  }

  assert {
    condition     = output.retraining_queue == "retraining-requests" && aws_sqs_queue.requests[0].message_retention_seconds == 1209600
    error_message = "the queue is not as promised"
  }
}

run "alarms_and_people_ask_through_one_rule" {
  command = plan

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.retraining[0].event_pattern) == { source = ["belo.monitor", "belo.cli"], detail-type = ["DriftDetected", "RetrainingRequested"], resources = ["arn:aws:s3:::belo-archive-123456789012-sa-east-1"] }
    error_message = "somebody is not heard, or somebody of another stack is"
  }

  assert {
    condition     = length(aws_cloudwatch_event_target.requests) == 2
    error_message = "a rule brings nothing to the queue"
  }
}

run "without_an_image_there_is_no_worker_on_aws" {
  command = plan

  assert {
    condition     = length(aws_ecs_cluster.training) + length(aws_pipes_pipe.worker) + length(aws_cloudwatch_event_rule.sweep) == 0
    error_message = "a worker without an image"
  }
}

run "with_an_image_a_pipe_starts_one_task_a_wake_up_and_the_policy_reaches_it" {
  command = apply

  variables {
    training_image      = "123456789012.dkr.ecr.sa-east-1.amazonaws.com/train-worker:1"
    training_subnets    = ["subnet-1"]
    mlflow_tracking_uri = "http://mlflow.internal:5000"
    promotion_policy    = "shadow-first"
  }

  assert {
    condition     = aws_pipes_pipe.worker[0].source_parameters[0].sqs_queue_parameters[0].batch_size == 1
    error_message = "more than one request a worker"
  }

  assert {
    condition     = contains(jsondecode(aws_ecs_task_definition.worker[0].container_definitions)[0].environment, { name = "BELO_PROMOTION_POLICY", value = "shadow-first" })
    error_message = "the worker does not know the policy"
  }

  assert {
    condition     = contains(jsondecode(aws_ecs_task_definition.worker[0].container_definitions)[0].environment, { name = "BELO_MARKET", value = "" })
    error_message = "the worker does not know its market"
  }

  assert {
    condition     = contains(jsondecode(aws_ecs_task_definition.worker[0].container_definitions)[0].environment, { name = "BELO_PRICE_LEVEL_LIMIT", value = "0.35" })
    error_message = "the worker does not know by how much prices may move"
  }

  assert {
    condition     = aws_pipes_pipe.worker[0].target_parameters[0].ecs_task_parameters[0].task_count == 1
    error_message = "more than one worker a wake-up"
  }
}

run "nobody_may_do_more_than_his_work" {
  command = plan

  variables {
    training_image      = "123456789012.dkr.ecr.sa-east-1.amazonaws.com/train-worker:1"
    training_subnets    = ["subnet-1"]
    mlflow_tracking_uri = "http://mlflow.internal:5000"
  }

  assert {
    condition = alltrue([
      for action in flatten([
        data.aws_iam_policy_document.worker.statement[*].actions,
        data.aws_iam_policy_document.worker_start[0].statement[*].actions,
        data.aws_iam_policy_document.waker[0].statement[*].actions,
        data.aws_iam_policy_document.requests[0].statement[*].actions,
      ]) : !strcontains(action, "*")
    ])
    error_message = "an action with a wildcard"
  }

  assert {
    condition     = !contains(flatten([data.aws_iam_policy_document.worker.statement[*].resources, data.aws_iam_policy_document.waker[0].statement[*].resources]), "*")
    error_message = "a statement for every resource"
  }
}

run "where_ecs_and_pipes_are_refused_they_can_be_left_out" {
  command = plan

  variables {
    leave_out      = ["worker"]
    training_image = "some-image"

    training_subnets    = ["subnet-1"]
    mlflow_tracking_uri = "http://127.0.0.1:5000"
  }

  assert {
    condition     = length(aws_ecs_cluster.training) + length(aws_pipes_pipe.worker) == 0
    error_message = "what the emulator refuses is planned"
  }
}

run "shadow_first_without_anybody_to_judge_is_refused" {
  command = plan

  variables {
    promotion_policy    = "shadow-first"
    retraining_schedule = null
  }

  expect_failures = [var.retraining_schedule]
}

run "a_policy_that_nobody_knows_is_refused" {
  command = plan

  variables {
    promotion_policy = "always"
  }

  expect_failures = [var.promotion_policy]
}

run "a_market_file_is_named_and_no_path" {
  command = plan

  variables {
    market = "../secrets"
  }

  expect_failures = [var.market]
}

run "a_level_that_may_not_move_at_all_is_refused" {
  command = plan

  variables {
    price_level_limit = 0
  }

  expect_failures = [var.price_level_limit]
}
