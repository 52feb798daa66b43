"""Signals that end in order."""

import os
import signal

import pytest

from terminal.signals import SAME, stopped_by_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_a_later_one_insists(number: int, monkeypatch) -> None:
    asked: list[bool] = []
    now = 0.0
    monkeypatch.setattr("terminal.signals.time.monotonic", lambda: now)

    with stopped_by_signals(lambda: asked.append(True)):
        os.kill(os.getpid(), number)
        assert asked == [True]
        now = SAME
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)


def test_signals_close_together_are_one() -> None:
    asked: list[bool] = []

    with stopped_by_signals(lambda: asked.append(True)):
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)

    assert asked == [True]


def test_what_the_signals_did_before_they_do_again() -> None:
    before = signal.getsignal(signal.SIGTERM)

    with stopped_by_signals(lambda: None):
        assert signal.getsignal(signal.SIGTERM) != before

    assert signal.getsignal(signal.SIGTERM) == before
