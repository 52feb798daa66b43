"""The loop: requests, the worker, and what came of it."""
