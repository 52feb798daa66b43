"""A file published to a stream, from its first row to the summary."""

import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from belo.errors import UsageFailure
from pricing.refusal import InvalidRecord
from stream_producer.aggregating import aggregated
from stream_producer.lingering import lingering
from stream_producer.listing_events import ListingEvents
from stream_producer.listing_files import STANDARD_INPUT, identify
from stream_producer.publisher import Outcome, Publisher
from stream_producer.records import Position, Record
from stream_producer.resume import Progress, progress_file

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

INVALID_SHOWN = 5


class Choices(Struct, frozen=True, kw_only=True):
    """What is published of a file, and how; `rate` in events a second."""

    sample: int | None = None
    limit: int | None = None
    rate: float | None = None
    aggregate: bool = False
    resume: bool = False


class Summary(Struct, frozen=True):
    """What came of it; counts are of events, `invalid` of rows that were never sent."""

    published: int
    failed: int
    invalid: int
    retried: int
    seconds: float
    events_per_second: float
    complete: bool


class FilePublisher:
    """Publishes files to a stream, and talks about it on `console`."""

    def __init__(self, kinesis: "KinesisClient", stream: str, console: Console) -> None:
        self._kinesis = kinesis
        self._stream = stream
        self._console = console

    def publish(self, file: str, choices: Choices, stdin: BinaryIO | None = None) -> tuple[Summary, str]:
        """Publish a file; return the summary, and why it is not complete ("" where it is).

        Stops cleanly at SIGINT and SIGTERM. Raises `Failure` for what it cannot read or may not do.
        """
        started = time.monotonic()
        sha256, rows, progress = self._prepare(file, choices)
        refused = _Refused(self._console)
        events = ListingEvents(
            file, sha256, sample=choices.sample, limit=choices.limit, on_invalid=refused.show, stdin=stdin
        )
        records: Iterable[Record | None] = lingering(events) if file == STANDARD_INPUT else events
        records = progress.watch(records)
        if choices.aggregate:
            records = aggregated(records)
        publisher = Publisher(self._kinesis, self._stream, rate=choices.rate)
        try:
            with (
                _bar(self._console, choices.limit or choices.sample or rows) as advance,
                _ended_by_signals(publisher),
            ):
                outcome = publisher.publish(records, _both(progress.accepted, advance))
        finally:
            progress.save()
        if outcome.complete:
            progress.forget()
        refused.rest()
        summary = _summary(outcome, events.invalid, time.monotonic() - started)
        return summary, _obstacle(outcome, progress.acknowledged, file)

    def _prepare(self, file: str, choices: Choices) -> tuple[str, int | None, Progress]:
        if file == STANDARD_INPUT:
            if choices.resume:
                raise UsageFailure("--resume needs a file: standard input cannot be read again")
            return "", None, Progress(None)
        identity = identify(file)
        progress = Progress(progress_file(self._one_stream(), identity.sha256, choices.sample))
        if choices.resume:
            at = progress.load()
            self._console.print(
                f"going on after row {at.row}" if at else "nothing to resume: starting with row 1",
                style="dim",
            )
        return identity.sha256, identity.rows, progress

    def _one_stream(self) -> str:
        """Return what tells this stream from every other, one deleted and made again included."""
        stream = self._kinesis.describe_stream_summary(StreamName=self._stream)["StreamDescriptionSummary"]
        return f"{stream['StreamARN']} {stream['StreamCreationTimestamp'].isoformat()}"


class _Refused:
    """Shows the first invalid rows, and says how many more there were."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._number = 0

    def show(self, row: int, error: InvalidRecord) -> None:
        self._number += 1
        if self._number <= INVALID_SHOWN:
            self._console.print(
                f"row {row} is not sent: {error}", style="yellow", markup=False, highlight=False
            )

    def rest(self) -> None:
        if self._number > INVALID_SHOWN:
            self._console.print(
                f"… and {self._number - INVALID_SHOWN} more rows are not sent", style="yellow"
            )


def _summary(outcome: Outcome, invalid: int, seconds: float) -> Summary:
    return Summary(
        published=outcome.published,
        failed=outcome.failed,
        invalid=invalid,
        retried=outcome.retried,
        seconds=round(seconds, 3),
        events_per_second=round(outcome.published / seconds, 1) if seconds else 0.0,
        complete=outcome.complete,
    )


def _obstacle(outcome: Outcome, at: Position | None, file: str) -> str:
    if outcome.complete:
        return ""
    what = (
        f"{outcome.failed} events were refused to the end ({outcome.error})" if outcome.failed else "stopped"
    )
    reached = (
        f"everything up to row {at.row} is on the stream" if at else "the first row is not on the stream"
    )
    again = f" (pass {at.turn + 1})" if at and at.turn else ""
    way_on = (
        ""
        if file == STANDARD_INPUT
        else f"; the same command with --resume goes on (belo publish {file} --resume)"
    )
    return f"{what}: {reached}{again}{way_on}"


def _both(
    first: Callable[[list[Record]], object], second: Callable[[int], object]
) -> Callable[[list[Record]], None]:
    def accepted(records: list[Record]) -> None:
        first(records)
        second(sum(len(record.positions) for record in records))

    return accepted


@contextmanager
def _bar(console: Console, total: int | None) -> Iterator[Callable[[int], None]]:
    columns = (
        TextColumn("publishing"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Bar(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total)
        yield lambda events: bar.advance(task, events)


@contextmanager
def _ended_by_signals(publisher: Publisher) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into an orderly end; a second one ends at once."""

    def end(number: int, _frame: FrameType | None) -> None:
        publisher.stop()
        signal.signal(number, signal.default_int_handler)

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
