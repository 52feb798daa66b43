# Models: versions that never change, two pointers that do, and the functions' bundles.
module "models" {
  source    = "./modules/bucket"
  name      = "${var.prefix}belo-models-${local.account}"
  versioned = true # a pointer written by mistake can be had back
  emulated  = local.emulated
}

# Dead letters: records that were refused, and batches that Lambda gave up on.
module "dead_letters" {
  source       = "./modules/bucket"
  name         = "${var.prefix}belo-dead-letters-${local.account}"
  expires_days = 365
  emulated     = local.emulated
}

# Archive: predictions and sales, for the monitor.
module "archive" {
  source   = "./modules/bucket"
  name     = "${var.prefix}belo-archive-${local.account}"
  emulated = local.emulated
}
