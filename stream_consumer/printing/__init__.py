"""Predictions printed: as a table, JSON Lines, CSV or Parquet, all of them or the newest of each listing."""
