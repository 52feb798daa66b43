output "name" {
  description = "Name of the function."
  value       = aws_lambda_function.this.function_name
}

output "live" {
  description = "Name of the alias by which the function is called, to be had once it is there."
  value       = aws_lambda_alias.live.name
}

output "live_arn" {
  description = "ARN of the alias live, by which the function is called."
  value       = aws_lambda_alias.live.arn
}

output "live_invoke_arn" {
  description = "ARN of the alias live, as API Gateway calls it."
  value       = aws_lambda_alias.live.invoke_arn
}

output "snap_start" {
  description = "Of what a snapshot is taken, to be started from; nothing where none is."
  value       = aws_lambda_function.this.snap_start[*].apply_on
}
