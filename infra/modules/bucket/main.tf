# A private bucket: encrypted, closed to the public, spoken to over TLS only.

resource "aws_s3_bucket" "this" {
  # checkov:skip=CKV_AWS_18: who reads and writes are our own roles; an account that must log reads turns on CloudTrail's S3 data events (docs/privacy.md)
  # checkov:skip=CKV_AWS_144: what is lost with a region can be published or trained again
  # checkov:skip=CKV_AWS_145: S3's own key, or the stack's where own_kms_key is set
  # checkov:skip=CKV2_AWS_62: nothing waits for an object here
  # checkov:skip=CKV_AWS_21: the models and the archive are versioned; dead letters are written once
  bucket        = var.name
  force_destroy = var.settings.force_destroy
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = aws_s3_bucket.this.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    bucket_key_enabled = var.settings.kms_key_arn != null ? true : null # one call to KMS for many objects

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.settings.kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.settings.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_versioning" "this" {
  count  = var.versioned ? 1 : 0
  bucket = aws_s3_bucket.this.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_policy" "tls_only" {
  count  = var.settings.tls_only ? 1 : 0
  bucket = aws_s3_bucket.this.id
  policy = data.aws_iam_policy_document.tls_only.json

  depends_on = [aws_s3_bucket_public_access_block.this]
}

data "aws_iam_policy_document" "tls_only" {
  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["s3:*"] # of a refusal, which is meant to be wide
    resources = [aws_s3_bucket.this.arn, "${aws_s3_bucket.this.arn}/*"]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  count  = var.settings.lifecycle ? 1 : 0
  bucket = aws_s3_bucket.this.id

  rule {
    id     = "leftovers"
    status = "Enabled"
    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }

    noncurrent_version_expiration {
      noncurrent_days = 90
    }
  }

  dynamic "rule" {
    for_each = { for prefix, days in var.expires : prefix => days if days != null }
    content {
      id     = "expire-${trimsuffix(replace(rule.key, "/", "-"), "-")}"
      status = "Enabled"

      filter {
        prefix = rule.key
      }

      expiration {
        days = rule.value
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}
