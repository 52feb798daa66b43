variable "region" {
  description = "AWS region of the state."
  type        = string
  default     = "sa-east-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region: expected a name like sa-east-1."
  }
}

variable "repository" {
  description = "The repository on GitHub whose workflows may plan and deploy: owner/name."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.repository))
    error_message = "repository: expected owner/name."
  }
}

variable "environments" {
  description = "Environments of the repository that may deploy; give them required reviewers."
  type        = set(string)
  default     = ["dev", "prod"]

  validation {
    condition     = length(var.environments) > 0
    error_message = "environments: expected at least one."
  }
}

variable "existing_oidc_provider_arn" {
  description = "ARN of the account's OIDC provider for GitHub, where it has one already: there is one an account."
  type        = string
  default     = null
}
