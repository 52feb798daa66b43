"""`belo forget`: every trace of a listing out of the stack's buckets."""
