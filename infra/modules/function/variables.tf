variable "name" {
  description = "Name of the function and its log group."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,64}$", var.name))
    error_message = "name: expected 1 to 64 letters, digits, hyphens and underscores."
  }
}

variable "role_name" {
  description = "Name of its role, unique in the account."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,64}$", var.role_name))
    error_message = "role_name: expected 1 to 64 letters, digits, hyphens and underscores."
  }
}

variable "handler" {
  description = "The handler, like lambdas.score.handler."
  type        = string

  validation {
    condition     = can(regex("^lambdas\\.[a-z_]+\\.handler$", var.handler))
    error_message = "handler: expected lambdas.<module>.handler."
  }
}

variable "policy" {
  description = "What the function may do besides writing its logs: an IAM policy, as JSON."
  type        = string

  validation {
    condition     = can(jsondecode(var.policy))
    error_message = "policy: expected JSON."
  }
}

variable "environment" {
  description = "Environment variables of the function."
  type        = map(string)

  validation {
    condition     = alltrue([for name in keys(var.environment) : startswith(name, "BELO_")])
    error_message = "environment: expected names that start with BELO_."
  }
}

variable "memory_mb" {
  description = "Memory."
  type        = number

  validation {
    condition     = var.memory_mb >= 128 && var.memory_mb <= 10240
    error_message = "memory_mb: expected 128 to 10240."
  }
}

variable "timeout_seconds" {
  description = "How long one invocation may take."
  type        = number

  validation {
    condition     = var.timeout_seconds >= 1 && var.timeout_seconds <= 900
    error_message = "timeout_seconds: expected 1 to 900."
  }
}

variable "reserved_concurrency" {
  description = "Invocations at once, kept for this function and no more than that; -1 for the account's common pool."
  type        = number
  default     = -1

  validation {
    condition     = var.reserved_concurrency == -1 || var.reserved_concurrency >= 1
    error_message = "reserved_concurrency: expected at least 1, or -1."
  }
}

variable "snap_start" {
  description = "Start from a snapshot that was taken of a started function, instead of starting it anew."
  type        = bool
  default     = false
}

variable "settings" {
  description = "What all functions of a stack share: its name (a dimension of their metrics), the code in S3 (its SHA-256 in base64), runtime, logs, tracing, key and network (null for none)."
  type = object({
    stack_name         = string
    bundle             = object({ bucket = string, key = string, version = string, sha256 = string })
    runtime            = string
    log_retention_days = number
    tracing            = bool
    kms_key_arn        = string
    network            = object({ subnets = list(string), security_groups = list(string) })
  })
}
