"""The command `belo`, as it is installed."""

from belo.cli import main

ROOMS = main.__module__.removesuffix("belo.cli")  # "" in the repository, "belo_pricing." where it is installed

__all__ = ["ROOMS", "main"]
