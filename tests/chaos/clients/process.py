"""Processes of a machine: started, killed, cut off from power, woken in another time zone."""

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from terminal import display, files
from tests.chaos.clients.clock import EventfulClock
from tests.chaos.clients.disk import Disk
from tests.simulator.clock import Killed

ZONES = ("UTC", "America/Sao_Paulo", "Asia/Kolkata", "Pacific/Auckland")


class Machine:
    """Runs one process at a time, or one within another; `zones`: each starts in another time zone."""

    def __init__(self, clock: EventfulClock, disk: Disk, rng: random.Random, *, zones: bool = False) -> None:
        self._clock, self._disk, self._random, self._zones = clock, disk, rng, zones
        self._processes = 0
        self._current = 0
        self.kills = 0
        self.moves = 0  # to another time zone
        self.failures: list[BaseException] = []

    @contextmanager
    def process(self) -> Iterator[None]:
        """Run a process; what ends it is counted and goes no further. After a kill, power may have been cut."""
        if self._zones:
            set_zone(self._random.choice(ZONES))
            self.moves += 1
        locked, files._locked = files._locked, {}
        outer = self._current
        self._current = self._processes = self._processes + 1
        try:
            with self._disk.in_use(), silence():
                yield
        except Killed:
            self._clock.disarm()
            self.kills += 1
            self._let_go()
            if self._random.random() < 0.5:
                self._disk.power_cut()
        except Exception as error:  # noqa: BLE001 - the books decide what may happen
            self.failures.append(error)
        finally:
            self._let_go()
            files._locked, self._current = locked, outer

    def schedule(self, seconds: float, action: Callable[[], object]) -> None:
        """Let something happen to the process that runs now, in some seconds, if it still does then."""
        process = self._current
        self._clock.schedule(self._clock.time() + seconds, lambda: action() if self._current == process else None)

    def kill(self) -> None:
        """End the process that runs now."""
        self._clock.kill("SIGKILL")

    @staticmethod
    def _let_go() -> None:
        """Close what the process held open, as an operating system does."""
        for file, _ in files._locked.values():
            file.close()
        files._locked = {}


def set_zone(name: str) -> None:
    """Let the machine's time zone be another one."""
    os.environ["TZ"] = name
    time.tzset()


@contextmanager
def zone_kept() -> Iterator[None]:
    """Leave the machine's time zone as it was found."""
    before = os.environ.get("TZ")
    try:
        yield
    finally:
        os.environ.pop("TZ", None)
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()


@contextmanager
def silence() -> Iterator[None]:
    """Say nothing on standard error."""
    before = display.stderr._file  # None follows sys.stderr, wherever it leads then
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        display.stderr.file = nowhere
        try:
            yield
        finally:
            display.stderr._file = before
