# Through S3, because a direct upload ends at 50 MB; named by its contents, so that a new bundle is a new object.

locals {
  python = trimprefix(var.runtime, "python")
  bundle = coalesce(var.bundle, "${path.root}/../build/bundle/belo-${local.python}-x86_64-manylinux_2_28.zip")
}

resource "aws_s3_object" "bundle" {
  bucket      = module.models.name
  key         = "bundles/${filesha256(local.bundle)}.zip"
  source      = local.bundle
  source_hash = filesha256(local.bundle)

  lifecycle {
    create_before_destroy = true # functions read the old one until they have the new one
  }
}

locals {
  # What a function takes of the upload.
  deployed_bundle = {
    bucket = aws_s3_object.bundle.bucket
    key    = aws_s3_object.bundle.key
    sha256 = filebase64sha256(local.bundle)
  }
}
