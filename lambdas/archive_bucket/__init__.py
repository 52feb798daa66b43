"""The archive bucket: what stands in it, and how it is read."""
