output "name" {
  description = "Name of the function."
  value       = aws_lambda_function.this.function_name
}

output "arn" {
  description = "ARN of the function."
  value       = aws_lambda_function.this.arn
}

output "policy" {
  description = "All that the function's role may do, as JSON."
  value       = data.aws_iam_policy_document.this.json
}
