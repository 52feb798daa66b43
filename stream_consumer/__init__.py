"""Predictions off the output stream."""
