import threading

import pytest

from stream_producer.rate_limit import Pace


class Clock(threading.Event):
    """A clock that goes on when somebody waits."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0

    def wait(self, timeout: float | None = None) -> bool:
        self.now += timeout or 0.0
        return False


def test_events_pass_as_the_rate_says_however_they_are_divided_into_requests() -> None:
    clock = Clock()
    pace = Pace(200, lambda: clock.now)
    moments = []
    for events in (20, 5, 15, 20, 1):
        pace.wait(events, clock)
        moments.append(round(clock.now - 100, 6))
    assert moments == [0, 0.1, 0.125, 0.2, 0.3]


def test_what_was_not_sent_in_time_is_not_made_up_for() -> None:
    clock = Clock()
    pace = Pace(10, lambda: clock.now)
    pace.wait(1, clock)
    clock.now += 60
    pace.wait(1, clock)
    pace.wait(1, clock)
    assert clock.now == pytest.approx(160.1)


def test_without_a_rate_nobody_waits() -> None:
    clock = Clock()
    Pace(None, lambda: clock.now).wait(1_000_000, clock)
    assert clock.now == 100
