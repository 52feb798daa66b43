"""A file published to a stream, from its first row to the summary."""

import shlex
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct

from lambdas.aws.kinesis_calls import KinesisCalls
from listing_files.reading import STANDARD_INPUT, Options, identify
from listing_files.rejects import Rejects
from pricing.market import Market
from stream_producer.aggregation import aggregated
from stream_producer.idle_input import with_pauses
from stream_producer.listing_events import ListingEvents
from stream_producer.publisher import Publisher, PublishOutcome
from stream_producer.records import Record, RowPosition, events_in
from stream_producer.resume import Progress, progress_file
from terminal.display import progress_bar, say, warn
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
    options: Options = Options()
    rejects: Path | None = None
    max_invalid: int | None = None


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
    """Publishes files to a stream, and says on standard error how it goes."""

    def __init__(self, kinesis: "KinesisClient", stream: str, market: Market | None = None) -> None:
        self._kinesis = kinesis
        self._stream = stream
        self._market = market

    def publish(self, file: str, choices: Choices, stdin: BinaryIO | None = None) -> tuple[Summary, str]:
        """Publish a file; return the summary, and why it is not complete ("" where it is).

        Stops cleanly at SIGINT and SIGTERM, and where the file cannot be read any further: what was read until then
        is sent. Raises `Failure` for what it cannot read at all or may not do.
        """
        started = time.monotonic()
        sha256, rows, progress = self._prepare(file, choices)
        rejects = Rejects(keep=choices.rejects, limit=choices.max_invalid)
        events = ListingEvents(
            file,
            sha256,
            market=self._market,
            options=choices.options,
            sample=choices.sample,
            limit=choices.limit,
            on_invalid=lambda read, error: rejects.refuse(read, error, events.rows.columns),
            stdin=stdin,
            say=lambda words: say(words, "dim"),
        )
        reading = _Reading(with_pauses(events) if file == STANDARD_INPUT else events)
        records = progress.watch(reading)
        with rejects:
            outcome = self._run(aggregated(records) if choices.aggregate else records, choices, rows, progress)
        rejects.sum_up()
        if reading.failure and progress.acknowledged is None and not (events.invalid or outcome.failed):
            raise reading.failure
        events.rows.sum_up(warn)
        if events.invented:
            say(f"{events.invented:,} ids are invented, such as {events.invented_like} (--id-column names them)", "dim")
        complete = outcome.complete and not reading.failure
        if complete and progress.is_beyond:
            raise UsageFailure(f"{file}: an earlier run came further than this one would go: {progress.place}")
        if complete:
            progress.forget()
        summary = _summary(outcome, events.invalid, time.monotonic() - started, complete=complete)
        if complete and events.invalid and progress.acknowledged is None:
            return summary, f"{file}: not one valid listing"
        unreadable = str(reading.failure or "")
        hint = resume_hint(file, choices)
        why = why_incomplete(outcome, progress.acknowledged, unreadable, hint)
        return summary, why or rejects.verdict(file, allowed=0)

    def _run(
        self, records: Iterable[Record | None], choices: Choices, rows: int | None, progress: Progress
    ) -> PublishOutcome:
        publisher = Publisher(self._kinesis, self._stream, rate=choices.rate)
        try:
            with (
                progress_bar(choices.limit or choices.sample or rows) as advance,
                stopped_by_signals(publisher.stop),
            ):
                return publisher.publish(records, _both(progress.accepted, advance))
        finally:
            progress.save()
            progress.end()

    def _prepare(self, file: str, choices: Choices) -> tuple[str, int | None, Progress]:
        if file == STANDARD_INPUT:
            if choices.resume:
                raise UsageFailure("--resume needs a file: standard input cannot be read again")
            return "", None, Progress(None)
        identity = identify(file)
        progress = Progress(self._progress_file(identity.sha256, choices), warn)
        if choices.resume:
            at = progress.load()
            beginning = f"going on after {progress.place}" if at else "nothing to resume: starting with the first row"
            say(beginning, "dim")
        else:
            progress.begin()
            progress.forget()
        return identity.sha256, identity.rows, progress

    def _progress_file(self, sha256: str, choices: Choices) -> Path | None:
        try:
            return progress_file(KinesisCalls(self._kinesis).stream_identity(self._stream), sha256, choices.sample)
        except OSError as error:
            if choices.resume:
                raise Failure(f"cannot tell how far publishing came ({error})") from None
            warn(f"this run cannot be resumed ({error})")
            return None


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


def _summary(outcome: PublishOutcome, invalid: int, seconds: float, *, complete: bool) -> Summary:
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


def why_incomplete(outcome: PublishOutcome, at: RowPosition | None, unreadable: str, hint: str) -> str:
    """Return why a run ended early, up to where it came, and how to go on; "" for a complete one."""
    if outcome.complete and not unreadable:
        return ""
    what = unreadable or "stopped"
    if outcome.failed:
        what = f"{outcome.failed} events were refused ({outcome.error})"
    reached = f"everything up to line {at.line} is on the stream" if at else "the first row is not on the stream"
    again = f" (pass {at.turn + 1})" if at and at.turn else ""
    return f"{what}: {reached}{again}{'' if unreadable else hint}"


def resume_hint(file: str, choices: Choices) -> str:
    """Return how the run of a file is taken up again; "" for standard input."""
    if file == STANDARD_INPUT:
        return ""
    options: list[str] = []
    for name, value in (("--sample", choices.sample), ("--limit", choices.limit)):
        options += [name, str(value)] if value is not None else []
    options += ["--aggregate"] if choices.aggregate else []
    options += choices.options.as_arguments()
    command = shlex.join(["belo", "publish", file, *options, "--resume"])
    return f"; the same command with --resume goes on ({command})"
