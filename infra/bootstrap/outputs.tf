output "state_bucket" {
  description = "For terraform init -backend-config=bucket=..."
  value       = module.state.name
}

output "plan_role" {
  description = "For the repository variable AWS_PLAN_ROLE."
  value       = aws_iam_role.this["plan"].arn
}

output "deploy_role" {
  description = "For the variable AWS_DEPLOY_ROLE of each environment."
  value       = aws_iam_role.this["deploy"].arn
}
