"""Files of listings: read row by row, and written chunk by chunk, in memory that does not grow."""
