"""Where a consumer keeps how far it came: a file, or an object in S3."""
