"""Predictions off the output stream."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stream_consumer.consumer import Arrived, Consumer
    from stream_consumer.gaps import Gap
    from stream_consumer.positions import HORIZON, LATEST, ShardPosition
    from stream_consumer.worker import Worker

__all__ = ["HORIZON", "LATEST", "Arrived", "Consumer", "Gap", "ShardPosition", "Worker"]

_HOMES = {
    "Arrived": "consumer",
    "Consumer": "consumer",
    "Gap": "gaps",
    "HORIZON": "positions",
    "LATEST": "positions",
    "ShardPosition": "positions",
    "Worker": "worker",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - loaded when asked for: the command line's start is quick
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
