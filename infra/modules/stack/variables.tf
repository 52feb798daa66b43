# --- where ----------------------------------------------------------------------------------

variable "leave_out" {
  description = "What the cloud underneath cannot hold, such as an emulator: any of alarms, event_source_key, lifecycle, mapping_metrics, runtime_check, snap_start, stream_encryption, tls_only, worker."
  type        = set(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.leave_out, ["alarms", "event_source_key", "lifecycle", "mapping_metrics", "runtime_check", "snap_start", "stream_encryption", "tls_only", "worker"])) == 0
    error_message = "leave_out: expected any of alarms, event_source_key, lifecycle, mapping_metrics, runtime_check, snap_start, stream_encryption, tls_only, worker."
  }
}

variable "protected" {
  description = "Refuse plans that would destroy the stack, by `destroy` or by another prefix, and keep buckets that hold something. docs/runbook.md says how to tear down."
  type        = bool
  default     = true
}

variable "own_kms_key" {
  description = "Encrypt with a key of the stack's own instead of AWS's keys: 1 USD a month, and who may read is decided in one place."
  type        = bool
  default     = false
}

variable "keep_days" {
  description = "Days that objects are kept, by what they are; null keeps them. The monitor and the retraining read 90 days of predictions."
  type = object({
    dead_letters = optional(number, 365)
    predictions  = optional(number, 400)
    sales        = optional(number, 1825)
    verdicts     = optional(number, 1825)
  })
  default = {}

  validation {
    condition     = alltrue([for days in values(var.keep_days) : days == null ? true : days >= 1])
    error_message = "keep_days: expected at least 1 day each, or null."
  }

  validation {
    condition     = coalesce(var.keep_days.predictions, 400) >= 90
    error_message = "keep_days: expected predictions to be kept for at least 90 days, or sales could not be held against them."
  }
}

variable "network" {
  description = "Subnets and security groups of the functions, for accounts that want them in a VPC; null for none. vpc.tf makes one where own_network is set."
  type        = object({ subnets = list(string), security_groups = list(string) })
  default     = null
}

variable "own_network" {
  description = "Make a VPC without a way to the internet for the functions, with endpoints for the services that they call: CIDR block, such as 10.0.0.0/24; null for none. Each interface endpoint is billed by the hour."
  type        = string
  default     = null

  validation {
    condition     = var.own_network == null ? true : can(cidrsubnet(var.own_network, 2, 1))
    error_message = "own_network: expected a CIDR block, such as 10.0.0.0/24."
  }

  validation {
    condition     = var.own_network == null || var.network == null
    error_message = "own_network: expected it or network, not both."
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
  description = "Lambda runtime; the wheels need the glibc of python3.12 or newer."
  type        = string
  default     = "python3.12"

  validation {
    condition     = can(regex("^python3\\.(1[2-9])$", var.runtime)) || contains(var.leave_out, "runtime_check")
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

variable "reserved_concurrency" {
  description = "Invocations of the scoring function at once, kept for it and no more than that; -1 for the account's common pool."
  type        = number
  default     = -1

  validation {
    condition     = var.reserved_concurrency == -1 || var.reserved_concurrency >= 1
    error_message = "reserved_concurrency: expected at least 1, or -1."
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

variable "enhanced_fan_out" {
  description = "Give the scoring function a connection of its own: it hears of a listing after about 70 ms instead of at its next poll. Billed by shard and hour, and by volume."
  type        = bool
  default     = false
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

# --- archive -----------------------------------------------------------------------------------

variable "archive_window_seconds" {
  description = "How long Lambda gathers predictions for one object of the archive: longer means fewer objects, and a later monitor."
  type        = number
  default     = 60

  validation {
    condition     = var.archive_window_seconds >= 0 && var.archive_window_seconds <= 300
    error_message = "archive_window_seconds: expected 0 to 300."
  }
}

# --- monitor -----------------------------------------------------------------------------------

variable "monitor_every_minutes" {
  description = "Minutes between the monitor's looks."
  type        = number
  default     = 60

  validation {
    condition     = var.monitor_every_minutes >= 1 && var.monitor_every_minutes <= 1440 && floor(var.monitor_every_minutes) == var.monitor_every_minutes
    error_message = "monitor_every_minutes: expected a whole number from 1 to 1440."
  }
}

variable "monitor_window_hours" {
  description = "Hours of listings that the monitor holds against the champion's training part."
  type        = number
  default     = 168

  validation {
    condition     = var.monitor_window_hours >= 1 && var.monitor_window_hours <= 2160
    error_message = "monitor_window_hours: expected 1 to 2160."
  }
}

variable "page_email" {
  description = "Address that is told at once when listings are not priced, or could be lost; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.page_email == null ? true : can(regex("^[^@\\s]+@[^@\\s]+$", var.page_email))
    error_message = "page_email: expected an address."
  }
}

variable "alarm_email" {
  description = "Address that is told what can wait until morning: drift, refused records, a challenger dropped; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.alarm_email == null ? true : can(regex("^[^@\\s]+@[^@\\s]+$", var.alarm_email))
    error_message = "alarm_email: expected an address."
  }
}

# --- retraining --------------------------------------------------------------------------------

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

variable "training_public_ip" {
  description = "Give the worker a public address: needed in subnets without NAT, or it cannot pull its image."
  type        = bool
  default     = false
}

variable "mlflow_secret_arn" {
  description = "Secret of Secrets Manager with `username` and `password` for the MLflow server; null where it asks for none."
  type        = string
  default     = null

  validation {
    condition     = var.mlflow_secret_arn == null ? true : can(regex("^arn:[^:]+:secretsmanager:[^:]+:[0-9]{12}:secret:.+$", var.mlflow_secret_arn))
    error_message = "mlflow_secret_arn: expected the ARN of a secret."
  }
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

# --- POST /price ----------------------------------------------------------------------------

variable "price_api" {
  description = "Answer POST /price, through API Gateway; it costs nothing while nobody asks."
  type        = bool
  default     = true
}

variable "price_api_auth" {
  description = "How callers of POST /price are known: iam (signed requests, the policy `pricer`) or key (x-api-key, with a usage plan)."
  type        = string
  default     = "iam"

  validation {
    condition     = contains(["iam", "key"], var.price_api_auth)
    error_message = "price_api_auth: expected iam or key."
  }
}

variable "price_api_rate" {
  description = "Requests a second that POST /price takes, twice as many at once; more are answered with 429."
  type        = number
  default     = 50

  validation {
    condition     = var.price_api_rate >= 1 && var.price_api_rate <= 5000
    error_message = "price_api_rate: expected 1 to 5000."
  }
}

variable "price_api_snap_start" {
  description = "Start the function behind POST /price from a snapshot of a started one (SnapStart), which then looks at the champion before its first price. Keeping snapshots is billed, and so is each start from one."
  type        = bool
  default     = false

  validation {
    condition     = !var.price_api_snap_start || can(regex("^python3\\.(1[2-9])$", var.runtime)) || contains(var.leave_out, "snap_start")
    error_message = "price_api_snap_start: AWS restores python3.12 or newer."
  }
}
