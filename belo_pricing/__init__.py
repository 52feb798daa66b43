"""What is installed: the command `belo`, and the Python API of publishers and consumers.

    from belo_pricing import Consumer, Publisher

In the wheel every room of the repository stands below this package, so that none of their names meets another
package's: `training` is `belo_pricing.training` there (see `hatch_build.py`).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stream_consumer import Consumer
    from stream_producer import Publisher, PublishOutcome

__all__ = ["Consumer", "PublishOutcome", "Publisher"]

_ROOMS = {"Consumer": "stream_consumer", "Publisher": "stream_producer", "PublishOutcome": "stream_producer"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - loaded when asked for
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from belo_pricing import cli

    return getattr(import_module(f"{cli.ROOMS}{_ROOMS[name]}"), name)
