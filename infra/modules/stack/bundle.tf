# Through S3, because a direct upload ends at 50 MB. One key in a versioned bucket: what was deployed before stays.

locals {
  python = trimprefix(var.runtime, "python")
  bundle = coalesce(var.bundle, "${path.module}/../../../build/bundle/belo-${local.python}-x86_64-manylinux_2_28.zip")
}

resource "aws_s3_object" "bundle" {
  bucket      = module.models.name
  key         = "bundles/belo.zip"
  source      = local.bundle
  source_hash = filesha256(local.bundle)

  depends_on = [module.models] # its versioning, too
}

locals {
  # What a function takes of the upload.
  deployed_bundle = {
    bucket  = aws_s3_object.bundle.bucket
    key     = aws_s3_object.bundle.key
    version = aws_s3_object.bundle.version_id
    sha256  = filebase64sha256(local.bundle)
  }
}
