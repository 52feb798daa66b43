"""A local cloud with the stack on it."""
