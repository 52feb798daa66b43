"""The command line `belo`, and where the streams and buckets are."""
