variable "name" {
  description = "Name of the bucket, unique in all of AWS."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "name: expected 3 to 63 lower-case letters, digits and hyphens."
  }
}

variable "versioned" {
  description = "Keep what is overwritten or deleted, for 90 days."
  type        = bool
  default     = false
}

variable "expires_days" {
  description = "Age at which objects are deleted; null keeps them."
  type        = number
  default     = null

  validation {
    condition     = var.expires_days == null ? true : var.expires_days >= 1
    error_message = "expires_days: expected at least 1, or null."
  }
}

variable "emulated" {
  description = "Whether a local cloud holds the bucket."
  type        = bool
  default     = false
}
