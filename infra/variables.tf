# --- where ----------------------------------------------------------------------------------

variable "region" {
  description = "AWS region of everything; Sao Paulo is the one nearest to Belo Horizonte."
  type        = string
  default     = "sa-east-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region: expected a name like sa-east-1."
  }
}

variable "emulator" {
  description = "Local cloud that stands for AWS; leaves out what it cannot hold. Empty on AWS."
  type        = string
  default     = ""

  validation {
    condition     = contains(["", "ministack", "localstack"], var.emulator)
    error_message = "emulator: expected nothing, ministack or localstack."
  }
}

variable "endpoint" {
  description = "Address of the local cloud, like http://127.0.0.1:4566; null on AWS."
  type        = string
  default     = null

  validation {
    condition     = (var.endpoint == null) == (var.emulator == "")
    error_message = "endpoint: goes together with emulator."
  }
}

variable "prefix" {
  description = "Stands before every name, so that several stacks fit into one account, like \"staff-\"."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^([a-z][a-z0-9-]{0,15}-)?$", var.prefix))
    error_message = "prefix: expected lower-case letters, digits and hyphens, at most 17, ending in a hyphen."
  }
}

# --- the streams ----------------------------------------------------------------------------

variable "shards" {
  description = "Shards of each stream, 1,000 records or 1 MB a second each; null lets AWS scale on demand."
  type        = number
  default     = 2

  validation {
    condition     = var.shards == null ? true : var.shards >= 1 && var.shards <= 200 && floor(var.shards) == var.shards
    error_message = "shards: expected a whole number from 1 to 200, or null."
  }
}

variable "retention_hours" {
  description = "How long the streams keep a record; must outlive max_record_age_seconds, so that a batch is parked before its records expire."
  type        = number
  default     = 48

  validation {
    condition     = var.retention_hours >= 24 && var.retention_hours <= 8760
    error_message = "retention_hours: expected 24 to 8760."
  }

  validation {
    condition     = var.retention_hours * 3600 >= 2 * var.max_record_age_seconds
    error_message = "retention_hours: expected at least twice max_record_age_seconds."
  }
}

# --- the function ---------------------------------------------------------------------------

variable "bundle" {
  description = "The functions' zip; by default where `make bundle` leaves the newest for the runtime's Python."
  type        = string
  default     = null
}

variable "runtime" {
  description = "Lambda runtime; the wheels need the glibc of python3.12 or newer. Emulators run the machine's Python."
  type        = string
  default     = "python3.12"

  validation {
    condition     = can(regex("^python3\\.(1[2-9])$", var.runtime)) || (var.emulator != "" && can(regex("^python3\\.11$", var.runtime)))
    error_message = "runtime: expected python3.12 or newer."
  }
}

variable "memory_mb" {
  description = "Memory of the scoring function; 1,769 MB buys one whole core."
  type        = number
  default     = 1769

  validation {
    condition     = var.memory_mb >= 512 && var.memory_mb <= 10240
    error_message = "memory_mb: expected 512 to 10240."
  }
}

variable "timeout_seconds" {
  description = "How long one invocation may take."
  type        = number
  default     = 60

  validation {
    condition     = var.timeout_seconds >= 30 && var.timeout_seconds <= 900 # 15 s are kept back for the last request
    error_message = "timeout_seconds: expected 30 to 900."
  }
}

variable "champion_poll_seconds" {
  description = "How often, at most, the function asks whether the champion was replaced."
  type        = number
  default     = 10

  validation {
    condition     = var.champion_poll_seconds >= 0 && var.champion_poll_seconds <= 3600
    error_message = "champion_poll_seconds: expected 0 to 3600."
  }
}

variable "log_retention_days" {
  description = "How long CloudWatch keeps the logs."
  type        = number
  default     = 365

  validation {
    condition     = contains([7, 14, 30, 60, 90, 180, 365, 731], var.log_retention_days)
    error_message = "log_retention_days: expected 7, 14, 30, 60, 90, 180, 365 or 731."
  }
}

variable "tracing" {
  description = "Trace invocations with X-Ray."
  type        = bool
  default     = false
}

# --- the event source mapping ---------------------------------------------------------------

variable "batch_size" {
  description = "Records in one invocation, at most; an event of 6 MB holds about 6,200 listings."
  type        = number
  default     = 1000

  validation {
    condition     = var.batch_size >= 1 && var.batch_size <= 10000
    error_message = "batch_size: expected 1 to 10000."
  }
}

variable "batching_window_seconds" {
  description = "How long Lambda gathers records before it invokes; 0 for the least latency."
  type        = number
  default     = 0

  validation {
    condition     = var.batching_window_seconds >= 0 && var.batching_window_seconds <= 300
    error_message = "batching_window_seconds: expected 0 to 300."
  }
}

variable "parallelization_factor" {
  description = "Batches of one shard scored at once."
  type        = number
  default     = 1

  validation {
    condition     = var.parallelization_factor >= 1 && var.parallelization_factor <= 10
    error_message = "parallelization_factor: expected 1 to 10."
  }
}

variable "max_record_age_seconds" {
  description = "How long a batch that keeps failing is retried before it is parked among the dead letters."
  type        = number
  default     = 21600

  validation {
    condition     = var.max_record_age_seconds >= 60 && var.max_record_age_seconds <= 604800
    error_message = "max_record_age_seconds: expected 60 to 604800."
  }
}

variable "max_retries" {
  description = "Retries of a batch before it is parked; -1 for no limit but its age."
  type        = number
  default     = -1

  validation {
    condition     = var.max_retries >= -1 && var.max_retries <= 10000
    error_message = "max_retries: expected -1 to 10000."
  }
}
