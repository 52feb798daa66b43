"""Listings in a file, cleaned and grouped."""
