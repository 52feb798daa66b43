variable "name" {
  description = "Name of the function, its role and its log group."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,64}$", var.name))
    error_message = "name: expected 1 to 64 letters, digits, hyphens and underscores."
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

variable "bundle" {
  description = "The zip with the code, in S3, and its SHA-256 in base64."
  type        = object({ bucket = string, key = string, sha256 = string })

  validation {
    condition     = length(var.bundle.sha256) == 44
    error_message = "bundle: expected sha256 in base64."
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

variable "runtime" {
  description = "Lambda runtime."
  type        = string

  validation {
    condition     = startswith(var.runtime, "python3.")
    error_message = "runtime: expected a Python."
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

variable "log_retention_days" {
  description = "How long CloudWatch keeps the logs."
  type        = number

  validation {
    condition     = var.log_retention_days > 0
    error_message = "log_retention_days: expected a number above 0; 0 would mean for ever."
  }
}

variable "tracing" {
  description = "Trace invocations with X-Ray."
  type        = bool
  default     = false
}
