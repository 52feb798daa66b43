# The stack for trying things out, beside the real one: names begin with dev-, and it may be torn down.
#
#   terraform -chdir=infra/environments/dev init -backend-config=bucket=... -backend-config=region=...   # infra/bootstrap made it
#   terraform -chdir=infra/environments/dev apply

terraform {
  required_version = ">= 1.11" # its lock file in S3

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0" # exactly: what was proved is what is applied
    }
  }

  backend "s3" {
    key          = "belo-horizonte-pricing/dev.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = { project = "belo-horizonte-pricing", environment = "dev" }
  }
}

module "stack" {
  source    = "../../modules/stack"
  prefix    = "dev-"
  protected = false # it may be torn down
  shards    = 1
}

output "stack_env" {
  description = "The stack as `belo` reads it: terraform output -raw stack_env > build/dev.env"
  value       = module.stack.stack_env
}

output "stack" {
  description = "Everything that the module says of the stack."
  value       = module.stack
}
