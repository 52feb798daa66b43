"""SIGINT and SIGTERM, as a wish to end in order."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` at the first SIGINT or SIGTERM; a second one raises `KeyboardInterrupt`.

    The first does not raise: an exception from a signal is lost where it meets a finaliser or a callback of
    the garbage collector, and a flag is not.
    """

    def end(number: int, _frame: FrameType | None) -> None:
        stop()
        signal.signal(number, signal.default_int_handler)

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
