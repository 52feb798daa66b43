variable "name" {
  description = "Name of the function and its log group."
  type        = string
}

variable "role_name" {
  description = "Name of its role, unique in the account."
  type        = string
}

variable "handler" {
  description = "The handler, like lambdas.score.handler."
  type        = string
}

variable "policy" {
  description = "What the function may do besides writing its logs: an IAM policy, as JSON. Reading the stream and parking batches are granted here."
  type        = string
}

variable "environment" {
  description = "Environment variables of the function."
  type        = map(string)
}

variable "memory_mb" {
  description = "Memory."
  type        = number
}

variable "timeout_seconds" {
  description = "How long one invocation may take."
  type        = number
}

variable "reserved_concurrency" {
  description = "Invocations at once, kept for this function and no more than that; -1 for the account's common pool."
  type        = number
  default     = -1
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

variable "stream_arn" {
  description = "ARN of the stream, made of names: the function need not wait half a minute for the stream."
  type        = string
}

variable "source_arn" {
  description = "ARN of what the mapping reads, once it is there: the stream, or its consumer where fan_out is set."
  type        = string
}

variable "fan_out" {
  description = "Whether source_arn is a consumer with enhanced fan-out."
  type        = bool
  default     = false
}

variable "parked_in_arn" {
  description = "ARN of the bucket where Lambda parks a batch that it gives up on, under aws/lambda/."
  type        = string
}

variable "mapping" {
  description = "The event source mapping: how records are gathered, retried and given up."
  type = object({
    batch_size             = number
    window_seconds         = number
    parallelization_factor = optional(number, 1)
    max_record_age_seconds = number
    max_retries            = optional(number, -1)
    bisect                 = optional(bool, false)
    partial_failures       = optional(bool, false)
    count_events           = optional(bool, true)
  })
}
