variable "region" {
  description = "AWS region of everything; Sao Paulo is the one nearest to Belo Horizonte."
  type        = string
  default     = "sa-east-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region: expected a name like sa-east-1."
  }
}
