"""A clock that moves only when it is told to, and the end of an execution environment."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime


class Killed(BaseException):
    """The execution environment is gone: out of time, or crashed.

    Not an `Exception`, because no `except` in a function can hold a dead process: every call
    that a killed function still makes to a fake raises it again and has no effect.
    """


class SimulatedClock:
    """Seconds since the epoch, UTC. `time`, `monotonic` and `sleep` stand in for `time`'s own; sleeping
    costs nothing.

    Thread-safe. Determinism is the caller's: threads that sleep add up their sleeps.
    """

    def __init__(self, start: float = 1_764_000_000.0) -> None:
        self._now = start
        self._frozen = 0.0
        self._deadline: float | None = None
        self._dead: str | None = None
        self._lock = threading.RLock()

    def time(self) -> float:
        """Seconds since the epoch."""
        return self._now

    def monotonic(self) -> float:
        """Seconds that the process has run: it stands still while the process is frozen, between invocations."""
        return self._now - self._frozen

    def now(self) -> datetime:
        """The same instant, as an aware UTC datetime."""
        return datetime.fromtimestamp(self._now, UTC)

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass. Raises `Killed` at the deadline of the running invocation, if that comes
        first."""
        with self._lock:
            self.check()
            end = self._now + max(0.0, seconds)
            if self._deadline is not None and end > self._deadline:
                self._now = self._deadline
                self.kill("Sandbox.Timedout")
            self._now = end

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What happens here, happens beside the invocation: it takes none of its time, and no deadline ends it.

        A crash is a crash of both.
        """
        began, deadline = self._now, self._deadline
        self._deadline = None
        try:
            yield
        finally:
            self._now, self._deadline = began, deadline

    def jump(self, instant: float) -> None:
        """Go to `instant`, also back in time. For schedulers: invocations overlap, but are run one after
        another."""
        self._frozen += instant - self._now
        self._now = instant

    def arm(self, deadline: float) -> None:
        """An invocation begins; it is killed when the clock passes `deadline`."""
        self._deadline, self._dead = deadline, None

    def disarm(self) -> str | None:
        """The invocation is over. Returns what killed it, or None."""
        dead, self._deadline, self._dead = self._dead, None, None
        return dead

    def kill(self, reason: str) -> None:
        """End the running invocation here and now. Always raises `Killed`."""
        self._dead = reason
        raise Killed(reason)

    def check(self) -> None:
        """Raise `Killed` if the running invocation is dead: a dead process has no further effect."""
        if self._dead is not None:
            raise Killed(self._dead)
