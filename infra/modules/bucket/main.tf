# A private bucket: encrypted, closed to the public, spoken to over TLS only.

resource "aws_s3_bucket" "this" {
  # checkov:skip=CKV_AWS_18: whoever writes here is one of our own roles, and CloudTrail has their calls
  # checkov:skip=CKV_AWS_144: what is lost with a region can be published or trained again
  # checkov:skip=CKV_AWS_145: S3's own key will do for public prices; a key of ours costs a call a request
  # checkov:skip=CKV2_AWS_62: nothing waits for an object here
  bucket = var.name
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
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
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

# Emulators speak plain HTTP: where they enforce policies this one would shut everybody out.
resource "aws_s3_bucket_policy" "tls_only" {
  count  = var.emulated ? 0 : 1
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

# On emulators the provider waits 55 s for rules that have nothing to do before the cloud is thrown away.
resource "aws_s3_bucket_lifecycle_configuration" "this" {
  count  = var.emulated ? 0 : 1
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

    dynamic "expiration" {
      for_each = var.expires_days == null ? [] : [var.expires_days]
      content {
        days = expiration.value
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}
