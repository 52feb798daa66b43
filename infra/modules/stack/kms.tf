# One key for streams, buckets, queues, topics and logs, where the account wants one of its own: who may read can then be
# decided in one place, and taken back in one place.

locals {
  kms_key_arn = one(aws_kms_key.this[*].arn)
}

resource "aws_kms_key" "this" {
  count                   = var.own_kms_key ? 1 : 0
  description             = "All data of ${local.stack_name}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.key[0].json
}

resource "aws_kms_alias" "this" {
  count         = var.own_kms_key ? 1 : 0
  name          = "alias/${local.stack_name}"
  target_key_id = aws_kms_key.this[0].key_id
}

data "aws_iam_policy_document" "key" {
  count = var.own_kms_key ? 1 : 0
  # checkov:skip=CKV_AWS_109: the policy of a key speaks of that key; without the account nobody could ever change it
  # checkov:skip=CKV_AWS_111: as above
  # checkov:skip=CKV_AWS_356: as above

  statement {
    sid       = "TheAccountDecides" # by its IAM policies
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${local.account}:root"]
    }
  }

  statement {
    sid       = "AwsServicesOfThisAccount"
    actions   = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*", "kms:DescribeKey"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com", "cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }

  statement {
    sid       = "LogsOfThisAccount"
    actions   = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"] # DescribeKey has no encryption context
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["logs.${local.region}.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values   = ["arn:${local.partition}:logs:${local.region}:${local.account}:log-group:*"]
    }
  }
}
