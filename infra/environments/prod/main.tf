# The stack that people rely on. Every argument of ../../modules/stack/variables.tf may stand in the module block below.
#
#   terraform -chdir=infra/environments/prod init -backend-config=bucket=... -backend-config=region=...   # infra/bootstrap made it
#   terraform -chdir=infra/environments/prod apply

terraform {
  required_version = ">= 1.11" # its lock file in S3

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0" # exactly: what was proved is what is applied
    }
  }

  backend "s3" {
    key          = "belo-horizonte-pricing/prod.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = { project = "belo-horizonte-pricing", environment = "prod" }
  }
}

module "stack" {
  source      = "../../modules/stack"
  page_email  = var.page_email
  alarm_email = var.alarm_email

  # The worker that retrains; without an image, requests wait for one elsewhere, and an alarm rings after a day.
  training_image      = var.training_image
  training_subnets    = var.training_subnets
  mlflow_tracking_uri = var.mlflow_tracking_uri
}

output "stack_env" {
  description = "The stack as `belo` reads it: terraform output -raw stack_env > build/prod.env"
  value       = module.stack.stack_env
}

output "stack" {
  description = "Everything that the module says of the stack."
  value       = module.stack
}
