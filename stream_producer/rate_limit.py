"""A rate kept evenly."""

import math
import threading
import time
from collections.abc import Callable

SMOOTHNESS = 0.1  # seconds: no request carries more than this much of the rate


class Pace:
    """Lets `rate` events a second pass, evenly, in requests of about `most` events; None lets all pass."""

    def __init__(self, rate: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._due = clock()
        self.most = math.inf if rate is None else max(1.0, rate * SMOOTHNESS)

    def wait(self, events: int, stop: threading.Event) -> None:
        """Wait until a request of so many events may go, or `stop` is set."""
        if self._rate is None:
            return
        now = self._clock()
        if self._due > now:
            stop.wait(self._due - now)
        self._due = max(self._due, now) + events / self._rate
