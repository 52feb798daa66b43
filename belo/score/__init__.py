"""A file of listings priced without a stream."""
