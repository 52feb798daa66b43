# The stack on a local cloud: one address for everything, credentials that mean nothing, and what the emulator cannot hold
# left out, each with its reason. Arguments of the module that a test wants otherwise stand in an override file
# (belo/terraform.py writes it).

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

variable "region" {
  description = "AWS region of everything."
  type        = string
  default     = "us-east-1"
}

variable "endpoint" {
  description = "Address of the local cloud."
  type        = string
  default     = "http://127.0.0.1:4566"

  validation {
    condition     = can(regex("^http://(127\\.0\\.0\\.1|localhost)(:[0-9]+)?$", var.endpoint))
    error_message = "endpoint: expected an address of this machine, like http://127.0.0.1:4566."
  }
}

variable "emulator" {
  description = "What answers there: ministack or localstack; empty for something that stands for AWS whole."
  type        = string
  default     = "ministack"

  validation {
    condition     = contains(["", "ministack", "localstack"], var.emulator)
    error_message = "emulator: expected nothing, ministack or localstack."
  }
}

locals {
  every_emulator = [
    "lifecycle",         # the provider waits 55 s for rules that have nothing to do before the cloud is thrown away
    "runtime_check",     # emulators run the machine's Python
    "snap_start",        # they refuse it for the machine's Python, where that is older than 3.12
    "stream_encryption", # emulators encrypt nothing, and the provider would wait 10 s for it
    "tls_only",          # emulators speak plain HTTP: where they enforce policies this one would shut everybody out
    "worker",            # they refuse ECS: there `belo train-worker` is a process
    "alarms",            # MiniStack forgets parts of an alarm, and every plan would want them back; nobody is called
    "mapping_metrics",   # they count no events of a mapping
  ]

  leave_out = {
    ""         = []
    ministack  = concat(local.every_emulator, ["event_source_key"]) # it does not know the key, and would refuse
    localstack = local.every_emulator
  }

  emulated = var.emulator != ""
}

provider "aws" {
  region = var.region

  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true

  endpoints {
    apigateway     = var.endpoint
    cloudwatch     = var.endpoint
    ec2            = var.endpoint
    ecs            = var.endpoint
    events         = var.endpoint
    iam            = var.endpoint
    kinesis        = var.endpoint
    kms            = var.endpoint
    lambda         = var.endpoint
    logs           = var.endpoint
    pipes          = var.endpoint
    s3             = var.endpoint
    secretsmanager = var.endpoint
    sns            = var.endpoint
    sqs            = var.endpoint
    sts            = var.endpoint
  }

  default_tags {
    # MiniStack forgets the tags of streams and objects (tags_all), and every plan would want them back.
    tags = local.emulated ? {} : { project = "belo-horizonte-pricing" }
  }
}

module "stack" {
  source                 = "../../modules/stack"
  leave_out              = local.leave_out[var.emulator]
  protected              = false # it is thrown away
  archive_window_seconds = local.emulated ? 0 : 60
}

output "stack" {
  description = "Everything that the module says of the stack."
  value       = module.stack
}

output "price_url" {
  description = "Where POST /price is: in the path, where AWS has a host for each API."
  value       = module.stack.price_api_id == null ? null : "${var.endpoint}/restapis/${module.stack.price_api_id}/v1/_user_request_/price"
}
