variable "retraining" {
  description = "Collect retraining requests, and have workers take them up. Without it, drift is announced and nothing follows."
  type        = bool
  default     = true
}

variable "promotion_policy" {
  description = "What becomes of a challenger that the judge prefers: auto promotes it, shadow-first has it scored beside the champion and promotes it on live pairs, manual leaves it to a person."
  type        = string
  default     = "auto"

  validation {
    condition     = contains(["auto", "shadow-first", "manual"], var.promotion_policy)
    error_message = "promotion_policy: expected auto, shadow-first or manual."
  }
}

variable "market" {
  description = "Which market file the worker trains for: the name of one in its image's markets/, such as belo-horizonte; empty for the only one there."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^([a-z0-9][a-z0-9-]{0,62})?$", var.market))
    error_message = "market: expected a name such as belo-horizonte, or nothing."
  }
}

variable "price_level_limit" {
  description = "Fraction by which prices as a whole may move in a promotion without a person: 0.35 lets them rise by 35 %, or fall by 26 %. More is no market, but a unit or a currency."
  type        = number
  default     = 0.35

  validation {
    condition     = var.price_level_limit > 0 && var.price_level_limit <= 10
    error_message = "price_level_limit: expected a fraction above 0, such as 0.35."
  }
}

variable "retraining_schedule" {
  description = "When to see to what is open (and to hold a contest where there was none for a month), like rate(1 day); null for never."
  type        = string
  default     = "rate(1 day)"

  validation {
    condition     = var.retraining_schedule == null ? true : can(regex("^(rate|cron)\\(.+\\)$", var.retraining_schedule))
    error_message = "retraining_schedule: expected rate(...) or cron(...), or null."
  }

  validation {
    condition     = var.retraining_schedule != null || var.promotion_policy != "shadow-first"
    error_message = "retraining_schedule: shadow-first needs one, or nobody would ever judge the challenger."
  }
}

variable "retraining_silence_seconds" {
  description = "How long a worker may be silent before its request goes to another one."
  type        = number
  default     = 300

  validation {
    condition     = var.retraining_silence_seconds >= 5 && var.retraining_silence_seconds <= 43200
    error_message = "retraining_silence_seconds: expected 5 to 43200."
  }
}

variable "training_image" {
  description = "Image of training/Dockerfile, in a registry that Fargate can read; null for no worker on AWS (requests then wait for one elsewhere)."
  type        = string
  default     = null
}

variable "training_subnets" {
  description = "Subnets of the worker, from which the registry, MLflow and AWS can be reached."
  type        = list(string)
  default     = []

  validation {
    condition     = var.training_image == null || length(var.training_subnets) > 0
    error_message = "training_subnets: a worker needs at least one."
  }
}

variable "training_security_groups" {
  description = "Security groups of the worker; it listens to nothing."
  type        = list(string)
  default     = []
}

variable "mlflow_tracking_uri" {
  description = "The MLflow server that the worker registers in."
  type        = string
  default     = null

  validation {
    condition     = var.training_image == null || var.mlflow_tracking_uri != null
    error_message = "mlflow_tracking_uri: a worker on Fargate has no disk to keep a registry on."
  }
}
