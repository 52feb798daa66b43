# Named as the environment variables of build/stack.env, without BELO_ and in lower case.

output "listings_stream" {
  description = "Stream that takes listings."
  value       = aws_kinesis_stream.listings.name
}

output "predictions_stream" {
  description = "Stream that brings predictions."
  value       = aws_kinesis_stream.predictions.name
}

output "models_bucket" {
  description = "Bucket of the models."
  value       = module.models.name
}

output "dead_letters_bucket" {
  description = "Bucket of the dead letters."
  value       = module.dead_letters.name
}

output "archive_bucket" {
  description = "Bucket of the archive."
  value       = module.archive.name
}

output "score_function" {
  description = "The scoring function, to be had once it listens to the stream."
  value       = module.score.name
}

output "stack_env" {
  description = "The stack as `belo` reads it: terraform output -raw stack_env > build/aws.env"
  value       = join("", [for name, value in local.stack_environment : "${name}=${value}\n"])
}

locals {
  stack_environment = { for name, value in {
    AWS_REGION               = local.region
    AWS_DEFAULT_REGION       = local.region
    BELO_LISTINGS_STREAM     = local.names.listings
    BELO_PREDICTIONS_STREAM  = local.names.predictions
    BELO_MODELS_BUCKET       = module.models.name
    BELO_DEAD_LETTERS_BUCKET = module.dead_letters.name
    BELO_ARCHIVE_BUCKET      = module.archive.name
    BELO_SCORE_FUNCTION      = module.score.name
    BELO_RETRAINING_QUEUE    = one(aws_sqs_queue.requests[*].name)
    BELO_PRICE_URL           = local.price_url
    BELO_TOPIC               = one(aws_sns_topic.tickets[*].arn)
  } : name => value if value != null }
}

output "monitor_function" {
  description = "The monitor; invoked with {} it looks at once."
  value       = module.monitor.name
}

output "topic" {
  description = "Topic of alarms that can wait and of promotions, an ARN; none on a local cloud."
  value       = one(aws_sns_topic.tickets[*].arn)
}

output "retraining_queue" {
  description = "Queue of the retraining requests, to be had once the rule brings them."
  value       = one(aws_sqs_queue.requests[*].name)
  depends_on  = [aws_cloudwatch_event_target.requests]
}
