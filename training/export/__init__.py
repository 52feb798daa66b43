"""A fitted model as the artefact that serves."""
