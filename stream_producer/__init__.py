"""Listings onto the input stream: from files, and from the dead letters."""
