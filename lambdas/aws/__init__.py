"""What AWS hands over and takes: batches, PutRecords, objects by day, metrics."""
