# Models: versions that never change, two pointers that do, and the functions' code.
module "models" {
  source    = "../bucket"
  name      = local.buckets["models"]
  versioned = true # a pointer or code written by mistake can be had back
  expires   = {}
  settings  = local.bucket_settings
}

# Dead letters: records that were refused, and batches that Lambda gave up on.
module "dead_letters" {
  source   = "../bucket"
  name     = local.buckets["dead-letters"]
  expires  = { for prefix in ["dead-letters/", "redriven/", "aws/lambda/"] : prefix => var.keep_days.dead_letters }
  settings = local.bucket_settings
}

# Archive: predictions and sales, for the monitor.
module "archive" {
  source    = "../bucket"
  name      = local.buckets["archive"]
  versioned = true # sales and the retraining ledger cannot be had again
  expires = {
    "predictions/" = var.keep_days.predictions
    "foreign/"     = var.keep_days.predictions
    "aws/lambda/"  = var.keep_days.predictions
    "index/"       = var.keep_days.predictions
    "sales/"       = var.keep_days.sales
    "monitor/"     = var.keep_days.verdicts
    "reference/"   = null
    "retraining/"  = null
  }
  settings = local.bucket_settings
}

locals {
  bucket_settings = {
    kms_key_arn   = local.kms_key_arn
    force_destroy = !var.protected
    tls_only      = !contains(var.leave_out, "tls_only")
    lifecycle     = !contains(var.leave_out, "lifecycle")
  }
}
