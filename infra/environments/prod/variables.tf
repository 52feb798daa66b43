variable "region" {
  description = "AWS region of everything; Sao Paulo is the one nearest to Belo Horizonte."
  type        = string
  default     = "sa-east-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region: expected a name like sa-east-1."
  }
}

# The module says what is right; here they are handed on.

variable "page_email" {
  description = "Address that is told at once when listings are not priced, or could be lost."
  type        = string
  default     = null
}

variable "alarm_email" {
  description = "Address that is told what can wait until morning."
  type        = string
  default     = null
}

variable "training_image" {
  description = "Image of training/Dockerfile, in a registry that Fargate can read."
  type        = string
  default     = null
}

variable "training_subnets" {
  description = "Subnets of the worker, from which the registry, MLflow and AWS can be reached."
  type        = list(string)
  default     = []
}

variable "mlflow_tracking_uri" {
  description = "The MLflow server that the worker registers in."
  type        = string
  default     = null
}
