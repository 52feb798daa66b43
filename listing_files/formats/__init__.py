"""Rows of a file, format by format: CSV, JSON, Parquet and Excel; compressed or not, in any usual encoding."""
