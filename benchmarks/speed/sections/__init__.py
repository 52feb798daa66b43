"""The sections, each of which is a process of its own."""
