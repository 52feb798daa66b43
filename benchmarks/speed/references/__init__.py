"""Other ways to do the same work, each written as its own authors would write it."""
