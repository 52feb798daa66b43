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
  depends_on  = [aws_lambda_event_source_mapping.listings]
}
