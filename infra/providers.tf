provider "aws" {
  region = var.region

  # A local cloud: one address for everything, credentials that mean nothing, buckets in the path.
  s3_use_path_style           = local.emulated
  skip_credentials_validation = local.emulated
  skip_metadata_api_check     = local.emulated
  skip_region_validation      = local.emulated

  endpoints {
    cloudwatch = var.endpoint
    events     = var.endpoint
    iam        = var.endpoint
    kinesis    = var.endpoint
    kms        = var.endpoint
    lambda     = var.endpoint
    logs       = var.endpoint
    s3         = var.endpoint
    sqs        = var.endpoint
    sts        = var.endpoint
  }

  default_tags {
    # MiniStack forgets the tags of streams and objects (tags_all), and every plan would want them back.
    tags = local.emulated ? {} : { project = "belo-horizonte-pricing" }
  }
}

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  account  = data.aws_caller_identity.current.account_id
  emulated = var.emulator != ""
}
