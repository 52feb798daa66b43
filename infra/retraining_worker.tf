# The worker on AWS: a Fargate task that takes up what waits on the queue and ends. Left out on emulators, which refuse
# ECS: there `belo train-worker` is a process; and left out where no image is named.

locals {
  worker  = var.retraining && !local.emulated && var.training_image != null
  workers = local.worker ? 1 : 0
}

resource "aws_ecs_cluster" "training" {
  # checkov:skip=CKV_AWS_65: one task now and then; its log says what there is to know
  count = local.workers
  name  = "${var.prefix}training"
}

resource "aws_cloudwatch_log_group" "training" {
  # checkov:skip=CKV_AWS_158: CloudWatch's own key will do: the log holds counts and verdicts
  count             = local.workers
  name              = "/ecs/${var.prefix}train-worker"
  retention_in_days = var.log_retention_days
}

resource "aws_ecs_task_definition" "worker" {
  count                    = local.workers
  family                   = "${var.prefix}train-worker"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 2048
  memory                   = 8192
  task_role_arn            = aws_iam_role.worker[0].arn
  execution_role_arn       = aws_iam_role.worker_start[0].arn

  volume {
    name = "scratch" # for MLflow and for files on their way
  }

  container_definitions = jsonencode([{
    name                   = "train-worker"
    image                  = var.training_image
    command                = ["train-worker", "--once"]
    essential              = true
    user                   = "1000"
    readonlyRootFilesystem = true
    mountPoints            = [{ sourceVolume = "scratch", containerPath = "/tmp", readOnly = false }]
    environment            = [for name, value in local.worker_environment : { name = name, value = value }]

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.training[0].name
        awslogs-region        = var.region
        awslogs-stream-prefix = "request"
      }
    }
  }])
}

locals {
  worker_environment = merge(local.stack_environment, {
    BELO_MARKET            = var.market
    BELO_PROMOTION_POLICY  = var.promotion_policy
    BELO_PRICE_LEVEL_LIMIT = tostring(var.price_level_limit)
    MLFLOW_TRACKING_URI    = coalesce(var.mlflow_tracking_uri, "none")
  })
}

# --- what wakes it: the pipe, and the sweep -------------------------------------------------------

resource "aws_sqs_queue" "wake_ups" {
  count                     = local.workers
  name                      = "${var.prefix}retraining-wake-ups"
  message_retention_seconds = 3600 # the sweep comes anyway
  sqs_managed_sse_enabled   = true
}

resource "aws_cloudwatch_event_target" "wake_ups" {
  for_each = local.worker ? local.retraining_rules : {}
  rule     = each.value
  arn      = aws_sqs_queue.wake_ups[0].arn

  depends_on = [aws_sqs_queue_policy.wake_ups]
}

resource "aws_sqs_queue_policy" "wake_ups" {
  count     = local.workers
  queue_url = aws_sqs_queue.wake_ups[0].id
  policy    = data.aws_iam_policy_document.wake_ups[0].json
}

data "aws_iam_policy_document" "wake_ups" {
  count = local.workers

  statement {
    sid       = "RulesMayWake"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.wake_ups[0].arn]

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

resource "aws_pipes_pipe" "worker" {
  count    = local.workers
  name     = "${var.prefix}train-worker"
  role_arn = aws_iam_role.waker[0].arn
  source   = aws_sqs_queue.wake_ups[0].arn
  target   = aws_ecs_cluster.training[0].arn

  source_parameters {
    sqs_queue_parameters {
      batch_size = 1
    }
  }

  target_parameters {
    ecs_task_parameters {
      task_definition_arn = aws_ecs_task_definition.worker[0].arn
      launch_type         = "FARGATE"
      task_count          = 1

      network_configuration {
        aws_vpc_configuration {
          subnets          = var.training_subnets
          security_groups  = var.training_security_groups
          assign_public_ip = "DISABLED"
        }
      }
    }
  }

  depends_on = [aws_iam_role_policy.waker]
}

# For requests whose worker died, or never started: it costs less than a cent a day, mostly for finding nothing.
resource "aws_cloudwatch_event_rule" "sweep" {
  count               = local.workers
  name                = "${var.prefix}retraining-sweep"
  description         = "Start a worker in case a request was left behind."
  schedule_expression = "rate(1 hour)"
}

resource "aws_cloudwatch_event_target" "sweep" {
  count    = local.workers
  rule     = aws_cloudwatch_event_rule.sweep[0].name
  arn      = aws_ecs_cluster.training[0].arn
  role_arn = aws_iam_role.waker[0].arn

  ecs_target {
    task_definition_arn = aws_ecs_task_definition.worker[0].arn
    launch_type         = "FARGATE"
    task_count          = 1

    network_configuration {
      subnets          = var.training_subnets
      security_groups  = var.training_security_groups
      assign_public_ip = false
    }
  }
}
