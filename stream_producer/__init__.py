"""Listings onto the input stream: from programs, from files, and from the dead letters."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stream_producer.publisher import Publisher, PublishOutcome

__all__ = ["PublishOutcome", "Publisher"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - loaded when asked for: the command line's start is quick
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.publisher"), name)
