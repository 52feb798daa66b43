"""The second act: the real consumer, publisher and redrive on simulated Kinesis, S3, disk and clock."""
