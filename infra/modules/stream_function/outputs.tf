output "name" {
  description = "Name of the function, to be had once it listens to the stream."
  value       = module.function.name
  depends_on  = [aws_lambda_event_source_mapping.this]
}

output "mapping" {
  description = "The event source mapping."
  value       = aws_lambda_event_source_mapping.this
}

output "mapping_id" {
  description = "UUID of the event source mapping, a dimension of its metrics."
  value       = aws_lambda_event_source_mapping.this.uuid
}
