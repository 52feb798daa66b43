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

variable "expires" {
  description = "Days after which objects are deleted, by prefix; null keeps them."
  type        = map(number)

  validation {
    condition     = alltrue([for days in values(var.expires) : days == null ? true : days >= 1])
    error_message = "expires: expected at least 1 day, or null."
  }
}

variable "settings" {
  description = "What all buckets of a stack share: their key (null for S3's own), whether a full bucket may be destroyed, TLS alone, and rules of age."
  type = object({
    kms_key_arn   = string
    force_destroy = bool
    tls_only      = bool
    lifecycle     = bool
  })
}
