"""A simulated clock on which things happen while a client waits."""

import heapq
from collections.abc import Callable
from itertools import count

from tests.simulator.clock import SimulatedClock


class EventfulClock(SimulatedClock):
    """Runs what was scheduled when its time has come, whoever sleeps at that moment."""

    def __init__(self) -> None:
        super().__init__()
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = count()

    def schedule(self, at: float, action: Callable[[], object]) -> None:
        """Let something happen at a time (seconds since the epoch), or as soon as time passes."""
        heapq.heappush(self._due, (at, next(self._numbers), action))

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass, and what is due in them happen."""
        end = self.time() + max(0.0, seconds)
        while self._due and self._due[0][0] <= end:
            at, _, action = heapq.heappop(self._due)
            super().sleep(max(0.0, at - self.time()))
            action()
        super().sleep(max(0.0, end - self.time()))

    def freeze(self, seconds: float) -> None:
        """Suspend the machine: time passes, what is due happens, and its monotonic clock stands still."""
        end = self.time() + seconds
        while self._due and self._due[0][0] <= end:
            at, _, action = heapq.heappop(self._due)
            self.jump(max(at, self.time()))
            action()
        self.jump(end)
