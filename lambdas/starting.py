"""What a function does while Lambda starts it: with the CPU of a start, and before an event waits."""

import gc
import os
from collections.abc import Callable

try:
    from snapshot_restore_py import register_after_restore  # type: ignore[import-not-found] # nor has it types
except ImportError:  # only Lambda's own runtime has it

    def register_after_restore(hook: Callable[[], object]) -> None:  # noqa: D103 - nobody restores anything here
        pass


def at_start(module: str, make: Callable[[], object]) -> None:
    """Make what the handler of a module needs, where this process was started for that handler.

    Elsewhere the handler makes it at its first event. What it raises, every event is told, and stays in its stream.
    """
    if os.environ.get("_HANDLER") == f"{module}.handler":
        make()
        gc.freeze()  # all that is there now stays: the collector need not look at it again
        gc.enable()


def after_restore(*hooks: Callable[[], object]) -> None:
    """Have hooks called where Lambda goes on from a snapshot of this process, somewhere else and perhaps days later."""
    for hook in hooks:
        register_after_restore(hook)
