"""Predictions printed, and the checkpoint behind them."""

import io
import os
import signal
import threading
from contextlib import redirect_stderr
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from stream_consumer.consumer import Arrived, Consumer
from stream_consumer.positions import HORIZON, LATEST, ShardPosition
from stream_consumer.printing.printer import Printing
from tests.stream_consumer.fake_kinesis import Fail, FakeKinesis
from tests.stream_consumer.predictions import payload


class Lines:
    """An output that breaks at a given batch."""

    is_durable = True

    def __init__(self, breaks_at: int = 1_000) -> None:
        self.left = breaks_at
        self.numbers: list[int] = []

    def write(self, batch: list[Arrived]) -> None:
        self.left -= 1
        if self.left < 0:
            raise BrokenPipeError
        self.numbers += [int(arrived.event.id.removeprefix("prediction-")) for arrived in batch]

    def close(self) -> None:
        pass


def filled(number: int) -> FakeKinesis:
    kinesis = FakeKinesis(page=5)
    for each in range(number):
        kinesis.put("L", payload(each))
    return kinesis


def run(kinesis: FakeKinesis, output: Lines, checkpoint: Path, start: ShardPosition = HORIZON, **options) -> str:
    said = io.StringIO()
    choices = {"follow": False, "idle_timeout": None, "limit": None, "latest_per_listing": False, **options}
    consumer = Consumer(kinesis, "predictions", start=start, checkpoint=checkpoint, sleep=lambda _: None)
    with redirect_stderr(said):
        Printing(consumer, output).run(**choices)
    return said.getvalue()


@pytest.mark.parametrize("latest_per_listing", [False, True])
def test_what_could_not_be_printed_is_printed_next_time(tmp_path: Path, latest_per_listing: bool) -> None:
    kinesis = filled(20)
    first = Lines(breaks_at=0 if latest_per_listing else 2)
    with pytest.raises(BrokenPipeError):
        run(kinesis, first, tmp_path / "checkpoint", latest_per_listing=latest_per_listing)

    second = Lines()
    run(kinesis, second, tmp_path / "checkpoint", latest_per_listing=latest_per_listing)

    assert first.numbers + second.numbers == list(range(20))


def test_a_batch_without_news_moves_the_checkpoint_too(tmp_path: Path) -> None:
    kinesis = FakeKinesis(page=5)
    for number in (9, 8, 7, 6, 5, 4):
        kinesis.put("L", payload(number, listing_id="A"))

    output = Lines()
    run(kinesis, output, tmp_path / "checkpoint", latest_per_listing=True, follow=True, limit=6)

    assert output.numbers == [9]
    assert b'"after":"1006"' in (tmp_path / "checkpoint").read_bytes()


def ahead() -> FakeKinesis:
    kinesis = FakeKinesis()
    kinesis._last_number = 10**9  # arrivals lie ahead of the machine's clock
    return kinesis


def test_after_a_quiet_run_from_the_latest_what_came_since_is_printed(tmp_path: Path) -> None:
    kinesis, first, second = ahead(), Lines(), Lines()

    run(kinesis, first, tmp_path / "checkpoint", start=LATEST)
    kinesis.put("L", payload(3))
    run(kinesis, second, tmp_path / "checkpoint", start=LATEST)

    assert (first.numbers, second.numbers) == ([], [3])


def test_after_a_run_from_the_latest_that_failed_at_once_what_came_since_is_printed(tmp_path: Path) -> None:
    kinesis, output = ahead(), Lines()
    kinesis.faults["get_records"].append(Fail("AccessDeniedException"))

    with pytest.raises(ClientError, match="AccessDenied"):
        run(kinesis, output, tmp_path / "checkpoint", start=LATEST)
    kinesis.put("L", payload(3))
    run(kinesis, output, tmp_path / "checkpoint", start=LATEST)

    assert output.numbers == [3]


def test_repeats_and_foreign_records_at_the_end_move_the_checkpoint_too(tmp_path: Path) -> None:
    kinesis = filled(5)
    kinesis.put("L", payload(4))
    kinesis.put("L", b"?")

    run(kinesis, Lines(), tmp_path / "checkpoint")

    assert b'"after":"1007"' in (tmp_path / "checkpoint").read_bytes()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_following_with_the_sums(tmp_path: Path, number: int) -> None:
    threading.Timer(0.3, os.kill, (os.getpid(), number)).start()
    output = Lines()

    said = run(filled(20), output, tmp_path / "checkpoint", follow=True)

    assert output.numbers == list(range(20))
    assert said == "20 predictions, 0 repeats dropped\n"


def test_a_signal_before_the_end_leaves_the_rest_to_the_next_run(tmp_path: Path) -> None:
    class Interrupting(Lines):
        def write(self, batch: list[Arrived]) -> None:
            super().write(batch)
            os.kill(os.getpid(), signal.SIGINT)

    kinesis, first, second = filled(20), Interrupting(), Lines()
    run(kinesis, first, tmp_path / "checkpoint")
    run(kinesis, second, tmp_path / "checkpoint")

    assert len(first.numbers) < 20
    assert first.numbers + second.numbers == list(range(20))
