"""A file published to a stream, from its first row to the summary."""

import shlex
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct
from rich.console import Console

from listing_files.reading import STANDARD_INPUT, identify
from stream_producer.aggregation import aggregated
from stream_producer.idle_input import lingering
from stream_producer.invalid_rows import NotSent
from stream_producer.listing_events import ListingEvents
from stream_producer.publisher import Outcome, Publisher
from stream_producer.records import Position, Record, events_in
from stream_producer.resume import Progress, progress_file
from terminal.display import progress_bar
from terminal.errors import Failure, UsageFailure
from terminal.signals import stopped_by_signals

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient


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

        Stops cleanly at SIGINT and SIGTERM, and where the file cannot be read any further: what was read until then
        is sent. Raises `Failure` for what it cannot read at all or may not do.
        """
        started = time.monotonic()
        sha256, rows, progress = self._prepare(file, choices)
        refused = NotSent(self._console)
        events = ListingEvents(
            file, sha256, sample=choices.sample, limit=choices.limit, on_invalid=refused.show, stdin=stdin
        )
        reading = _Reading(lingering(events) if file == STANDARD_INPUT else events)
        records = progress.watch(reading)
        outcome = self._run(aggregated(records) if choices.aggregate else records, choices, rows, progress)
        refused.rest()
        if reading.failure and progress.acknowledged is None and not (events.invalid or outcome.failed):
            raise reading.failure
        complete = outcome.complete and not reading.failure
        if complete and progress.is_beyond:
            raise UsageFailure(f"{file}: an earlier run came further than this one would go: {progress.place}")
        if complete:
            progress.forget()
        summary = _summary(outcome, events.invalid, time.monotonic() - started, complete=complete)
        if complete and events.invalid and progress.acknowledged is None:
            return summary, f"{file}: not one valid listing"
        unreadable = str(reading.failure or "")
        return summary, obstacle(outcome, progress.acknowledged, unreadable, way_on(file, choices))

    def _run(self, records: Iterable[Record | None], choices: Choices, rows: int | None, progress: Progress) -> Outcome:
        publisher = Publisher(self._kinesis, self._stream, rate=choices.rate)
        try:
            with (
                progress_bar(self._console, choices.limit or choices.sample or rows) as advance,
                stopped_by_signals(publisher.stop),
            ):
                return publisher.publish(records, _both(progress.accepted, advance))
        finally:
            progress.save()

    def _prepare(self, file: str, choices: Choices) -> tuple[str, int | None, Progress]:
        if file == STANDARD_INPUT:
            if choices.resume:
                raise UsageFailure("--resume needs a file: standard input cannot be read again")
            return "", None, Progress(None)
        identity = identify(file)
        progress = Progress(self._progress_file(identity.sha256, choices))
        if choices.resume:
            at = progress.load()
            told = f"going on after {progress.place}" if at else "nothing to resume: starting with row 1"
            self._console.print(told, style="dim")
        else:
            progress.forget()
        return identity.sha256, identity.rows, progress

    def _progress_file(self, sha256: str, choices: Choices) -> Path | None:
        try:
            return progress_file(self._one_stream(), sha256, choices.sample)
        except OSError as error:
            if choices.resume:
                raise Failure(f"cannot tell how far publishing came ({error})") from None
            self._console.print(f"this run cannot be resumed ({error})", style="yellow", markup=False)
            return None

    def _one_stream(self) -> str:
        """Return what tells this stream from every other, one deleted and made again included."""
        stream = self._kinesis.describe_stream_summary(StreamName=self._stream)["StreamDescriptionSummary"]
        return f"{stream['StreamARN']} {stream['StreamCreationTimestamp'].isoformat()}"


class _Reading:
    """Records up to where they cannot be read any further; then `failure` says why."""

    def __init__(self, records: Iterable[Record | None]) -> None:
        self._records = records
        self.failure: Failure | None = None

    def __iter__(self) -> Iterator[Record | None]:
        try:
            yield from self._records
        except Failure as failure:
            self.failure = failure


def _summary(outcome: Outcome, invalid: int, seconds: float, *, complete: bool) -> Summary:
    return Summary(
        published=outcome.published,
        failed=outcome.failed,
        invalid=invalid,
        retried=outcome.retried,
        seconds=round(seconds, 3),
        events_per_second=round(outcome.published / seconds, 1) if seconds else 0.0,
        complete=complete,
    )


def _both(first: Callable[[list[Record]], object], second: Callable[[int], object]) -> Callable[[list[Record]], None]:
    def accepted(records: list[Record]) -> None:
        first(records)
        second(events_in(records))

    return accepted


def obstacle(outcome: Outcome, at: Position | None, unreadable: str, way_on: str) -> str:
    """Return why a run ended early, up to where it came, and how to go on; "" for a complete one."""
    if outcome.complete and not unreadable:
        return ""
    what = unreadable or "stopped"
    if outcome.failed:
        what = f"{outcome.failed} events were refused ({outcome.error})"
    reached = f"everything up to row {at.row} is on the stream" if at else "the first row is not on the stream"
    again = f" (pass {at.turn + 1})" if at and at.turn else ""
    return f"{what}: {reached}{again}{'' if unreadable else way_on}"


def way_on(file: str, choices: Choices) -> str:
    """Return how the run of a file is taken up again; "" for standard input."""
    if file == STANDARD_INPUT:
        return ""
    options: list[str] = []
    for name, value in (("--sample", choices.sample), ("--limit", choices.limit)):
        options += [name, str(value)] if value is not None else []
    options += ["--aggregate"] if choices.aggregate else []
    command = shlex.join(["belo", "publish", file, *options, "--resume"])
    return f"; the same command with --resume goes on ({command})"
