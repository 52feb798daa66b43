"""SIGINT and SIGTERM, as a wish to end in order."""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SAME = 2.0  # seconds: `make` passes on the signal that its whole group has had already


@contextmanager
def stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` at the first SIGINT or SIGTERM; one that comes `SAME` seconds later raises `KeyboardInterrupt`.

    Those close together are one: a terminal, a `make` and a supervisor each pass the same wish on. The first does not
    raise: an exception from a signal is lost where it meets a finaliser or a callback of the garbage collector, and a
    flag is not.
    """
    first: float | None = None

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal first
        if first is None:
            first = time.monotonic()
            stop()
        elif time.monotonic() - first >= SAME:
            signal.default_int_handler(number, frame)

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Ended(KeyboardInterrupt):
    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextmanager
def ended_by_signals(name: str) -> Iterator[None]:
    """Unwind at SIGINT or SIGTERM, then say so in one line and exit with 130 or 143.

    For what has no place to look at a flag; all that it holds is released on the way. Should the exception be lost
    in a finaliser, the next signal raises again.
    """
    last = -SAME

    def end(number: int, _frame: FrameType | None) -> None:
        nonlocal last
        before, last = last, time.monotonic()
        if last - before >= SAME:
            raise _Ended(number)

    handlers = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except _Ended as ended:
        print(f"{name}: stopped", file=sys.stderr)
        sys.exit(128 + ended.number)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
