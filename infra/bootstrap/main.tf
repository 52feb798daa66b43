# Once an account, by a person with the rights to: the bucket of Terraform's state, and two roles that GitHub Actions takes
# on without a secret. `plan` may look, and is for every branch; `deploy` may make what the stack is made of, and is for
# the environments that somebody approves. Its state stays with the person who applies it.
#
#   terraform -chdir=infra/bootstrap init && terraform -chdir=infra/bootstrap apply -var repository=owner/name

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = { project = "belo-horizonte-pricing" }
  }
}

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  account = data.aws_caller_identity.current.account_id
  issuer  = "token.actions.githubusercontent.com"

  # What applying, planning and destroying the whole stack asks for, as `make prove-aws` has recorded it.
  actions = jsondecode(file("${path.module}/actions.json"))

  # The stack's own resources: nothing else in the account may be touched. Services whose ids are made by AWS (API Gateway,
  # KMS, EC2, event source mappings) have no name to hold them by.
  owned = [
    "arn:${data.aws_partition.current.partition}:s3:::*belo-*-${local.account}-*",
    "arn:${data.aws_partition.current.partition}:iam::${local.account}:role/*belo-*",
    "arn:${data.aws_partition.current.partition}:iam::${local.account}:policy/*belo-*",
  ]
  holds_by_name = ["iam", "s3"]

  subjects = {
    plan   = ["repo:${var.repository}:pull_request", "repo:${var.repository}:ref:refs/heads/main"]
    deploy = [for name in var.environments : "repo:${var.repository}:environment:${name}"]
  }
}

module "state" {
  source    = "../modules/bucket"
  name      = "belo-terraform-state-${local.account}-${var.region}"
  versioned = true
  expires   = {}
  settings  = { kms_key_arn = null, force_destroy = false, tls_only = true, lifecycle = true }
}

resource "aws_iam_openid_connect_provider" "github" {
  count          = var.existing_oidc_provider_arn == null ? 1 : 0
  url            = "https://${local.issuer}"
  client_id_list = ["sts.amazonaws.com"]
}

data "aws_iam_policy_document" "assumed_by" {
  for_each = local.subjects

  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [coalesce(var.existing_oidc_provider_arn, one(aws_iam_openid_connect_provider.github[*].arn))]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:aud"
      values   = ["sts.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:sub"
      values   = each.value
    }
  }
}

data "aws_iam_policy_document" "plan" {
  # checkov:skip=CKV_AWS_356: it may look at what is there, and change nothing
  statement {
    sid       = "Look"
    actions   = local.actions.look
    resources = ["*"]
  }

  statement {
    sid       = "SeeTheCode"
    actions   = ["s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion"]
    resources = ["arn:${data.aws_partition.current.partition}:s3:::*belo-models-${local.account}-*/bundles/*"]
  }

  statement {
    sid       = "ReadTheState"
    actions   = ["s3:GetObject", "s3:ListBucket"]
    resources = [module.state.arn, "${module.state.arn}/*"]
  }

  statement {
    sid       = "HoldTheLock"
    actions   = ["s3:PutObject", "s3:DeleteObject"]
    resources = ["${module.state.arn}/*.tflock"]
  }
}

data "aws_iam_policy_document" "deploy" {
  # checkov:skip=CKV_AWS_111: what it may change in services without names is what the stack is made of
  # checkov:skip=CKV_AWS_356: as above
  # checkov:skip=CKV_AWS_109: it may write the policies of its own roles
  # checkov:skip=CKV_AWS_110: as above
  statement {
    sid       = "Look"
    actions   = local.actions.look
    resources = ["*"]
  }

  statement {
    sid       = "MakeTheStack"
    actions   = [for action in local.actions.change : action if !contains(local.holds_by_name, split(":", action)[0])]
    resources = ["*"]
  }

  statement {
    sid       = "MakeWhatIsHeldByName"
    actions   = [for action in local.actions.change : action if contains(local.holds_by_name, split(":", action)[0]) && action != "iam:PassRole"]
    resources = concat(local.owned, ["arn:${data.aws_partition.current.partition}:s3:::*belo-models-${local.account}-*/bundles/*"])
  }

  statement {
    sid       = "HandOverItsRoles"
    actions   = ["iam:PassRole"]
    resources = ["arn:${data.aws_partition.current.partition}:iam::${local.account}:role/*belo-*"]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["lambda.amazonaws.com", "ecs-tasks.amazonaws.com", "pipes.amazonaws.com", "events.amazonaws.com"]
    }
  }

  statement {
    sid       = "KeepTheState"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"]
    resources = [module.state.arn, "${module.state.arn}/*"]
  }
}

resource "aws_iam_role" "this" {
  for_each             = local.subjects
  name                 = "belo-github-${each.key}"
  assume_role_policy   = data.aws_iam_policy_document.assumed_by[each.key].json
  max_session_duration = 3600
}

resource "aws_iam_role_policy" "this" {
  for_each = local.subjects
  name     = "least-privilege"
  role     = aws_iam_role.this[each.key].id
  policy   = each.key == "plan" ? data.aws_iam_policy_document.plan.json : data.aws_iam_policy_document.deploy.json
}
