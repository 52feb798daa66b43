"""The world of a publisher: `belo publish` of a file through whatever happens, and the books."""

import json
import random
from collections import Counter
from concurrent.futures import Executor, Future
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from pricing.aggregation import split
from stream_producer import file_publisher, publisher, resume
from stream_producer.file_publisher import Choices, FilePublisher, Summary
from stream_producer.listing_events import event_id
from stream_producer.publisher import Publisher
from tests.chaos.books import Verdict
from tests.chaos.clients.clock import EventfulClock
from tests.chaos.clients.disk import Disk
from tests.chaos.clients.kinesis import StormyStream
from tests.chaos.clients.process import Machine, set_zone
from tests.chaos.weather import Weather
from tests.simulator.clock import Killed

if TYPE_CHECKING:
    from collections.abc import Callable

STREAM = "listings"
KEY_LIMIT = 128  # characters of two units each: what Kinesis takes of a key
LONG_IDS = [f"{number}-{150 * chr(0x1F3E0)}" for number in range(3)]
RUNS = 400  # of `--resume`, until the file has been published


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """How the publisher is run; `during` happens at random times of a run and returns how many faults it was."""

    during: "Callable[[Publishing, random.Random], int] | None" = None
    aggregate: bool = False
    zones: bool = False
    bad_rows: float = 0.01
    torn_end: bool = False
    listings: int = 60
    may_fail: tuple[type[BaseException], ...] = ()
    may_give_up: bool = False  # what the stream refuses for a minute
    exact: bool = False  # nothing happens that would excuse a repeat


class Overtaking(Executor):
    """Requests in flight, run in a random order when somebody waits for one of them."""

    def __init__(self, rng: random.Random) -> None:
        self._random = rng
        self._tasks: dict[Future[Any], Callable[[], Any]] = {}

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Return a future that nobody has begun with."""
        future: Future[Any] = Future()
        self._tasks[future] = partial(fn, *args, **kwargs)
        return future

    def wait(self, pending: set[Future[Any]], **_: Any) -> tuple[set[Future[Any]], set[Future[Any]]]:
        """Run one of them; return it and the others, as `concurrent.futures.wait` does."""
        chosen = self._random.choice(sorted(pending, key=list(self._tasks).index))
        self._finish(chosen)
        return {chosen}, pending - {chosen}

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Run what is left, as a pool's end waits for it; a dead process has nothing left."""
        for future in list(self._tasks):
            self._finish(future)

    def _finish(self, future: "Future[Any]") -> None:
        try:
            future.set_result(self._tasks.pop(future)())
        except Killed as killed:
            self._tasks.clear()
            future.set_exception(killed)
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever asks for the result
            future.set_exception(error)


class Publishing:
    """A file, a machine that publishes it, and the stream."""

    def __init__(self, writer: Writer, weather: Weather, seed: int, folder: Path) -> None:
        self.writer = writer
        self.rng = random.Random(seed)
        self.clock = EventfulClock()
        set_zone("UTC")
        self.weather = weather
        self.stream = StormyStream(self.clock, STREAM, 2, weather)
        self.folder = folder
        self.disk = Disk(folder, self.clock, weather, self.rng)
        self.machine = Machine(self.clock, self.disk, self.rng, zones=writer.zones)
        self.file = folder.parent / "listings.csv"
        self.rows: list[str | None] = []  # the listing of each; None for one that is invalid
        self.summaries: list[tuple[Summary, str]] = []
        self.resumed = 0
        self.happened = 0
        self.wrong: list[str] = []

    @property
    def injected(self) -> int:
        """How many faults struck calls, files and processes, and how many rows are no listings."""
        struck = self.stream.injected.total() + self.disk.injected.total() + self.machine.kills
        return struck + self.happened + self.rows.count(None) + self.writer.torn_end

    def write_file(self, rows: int) -> None:
        """Write a file in which listings stand again and again, with a new area each time."""
        lines = ["listing_id,neighborhood,area_m2,rooms"]
        for number in range(rows):
            listing = self.rng.choice(LONG_IDS) if number % 50 == 0 else f"L-{self.rng.randrange(self.writer.listings)}"
            bad = self.rng.random() < self.writer.bad_rows
            self.rows.append(None if bad else listing)
            lines.append(f"{listing},Savassi,{-1 if bad else 20 + number % 400},3")
        text = "\n".join(lines) + "\n"
        self.file.write_text(text + ('L-1,"Sava' if self.writer.torn_end else ""))

    def run(self) -> bool:
        """Run the publisher once, or go on with `--resume`; return whether the file has been published."""
        before = len(self.summaries)
        with self.machine.process(), self._simulated():
            if self.writer.during and not self.weather.calm:
                self.happened += self.writer.during(self, self.rng)
            choices = Choices(aggregate=self.writer.aggregate, resume=self.resumed > 0, max_invalid=1_000_000)
            self.resumed += 1
            self.summaries.append(FilePublisher(self.stream, STREAM).publish(str(self.file), choices))  # type: ignore[arg-type]
        self.clock.sleep(self.rng.uniform(1, 30))
        return len(self.summaries) > before and self.summaries[-1][0].complete

    def _simulated(self) -> Any:
        pool = Overtaking(self.rng)
        return all_of(
            patch.object(publisher, "ThreadPoolExecutor", lambda _: pool),
            patch.object(publisher, "wait", pool.wait),
            patch.object(
                file_publisher, "Publisher", partial(Publisher, clock=self.clock.monotonic, wait=self.clock.sleep)
            ),
            patch.object(resume, "FOLDER", self.folder),
            patch.object(resume, "time", self.clock),
        )


def all_of(*patches: Any) -> ExitStack:
    """Return all of some patches as one."""
    stack = ExitStack()
    for each in patches:
        stack.enter_context(each)
    return stack


def audit(world: Publishing) -> Verdict:
    """Balance the books of a publisher that says its file is published."""
    verdict = Verdict(events=len(world.rows))
    ids = {event_id(_sha256(world.file), number, 0): number for number in range(1, len(world.rows) + 1)}
    arrived: list[int] = []
    for record in sorted(world.stream.records(), key=lambda each: int(each["SequenceNumber"])):
        parts = split(record["Data"])
        for key, data in [(record["PartitionKey"], record["Data"])] if parts is None else parts:
            event = json.loads(data)
            row = ids.get(event["id"])
            if row is None or world.rows[row - 1] != event["data"]["listing_id"]:
                verdict.note("wrong", f"no such row: {event}")
            elif key != (event["data"]["listing_id"][:KEY_LIMIT]):
                verdict.note("wrong", f"partition key {key} of {event}")
            else:
                arrived.append(row)
    times = Counter(arrived)
    for number, listing in enumerate(world.rows, 1):
        if listing is not None and not times[number]:
            verdict.note("lost", f"row {number}")
    verdict.duplicates = len(arrived) - len(times)
    if world.writer.exact and verdict.duplicates:
        verdict.note("wrong", f"{verdict.duplicates} repeats without need")
    _latest_last(world, arrived, verdict)
    _summaries(world, verdict)
    for error in world.machine.failures:
        if not isinstance(error, world.writer.may_fail):
            verdict.note("wrong", f"the publisher ended with {type(error).__name__}: {error}")
    for problem in world.wrong:
        verdict.note("wrong", problem)
    return verdict


def _latest_last(world: Publishing, arrived: list[int], verdict: Verdict) -> None:
    """A listing's rows arrived first in the order of the file, whatever came again; its last event is its last row."""
    newest: dict[str, int] = {}
    last: dict[str, int] = {}
    seen: set[int] = set()
    for row in arrived:
        listing = world.rows[row - 1] or ""
        last[listing] = row
        if row not in seen and row < newest.get(listing, 0):
            verdict.note("wrong", f"row {row} of {listing} came after row {newest[listing]}")
        seen.add(row)
        newest[listing] = max(row, newest.get(listing, 0))
    for listing, row in last.items():
        if row != newest[listing]:
            verdict.note("wrong", f"the last event of {listing} is row {row}, not {newest[listing]}")


def _summaries(world: Publishing, verdict: Verdict) -> None:
    """A run says that it is complete once, at the end, and counts the invalid rows; any other says how to go on."""
    *early, (last, why) = world.summaries or [(None, "no run came to its end")]
    if last is None or not last.complete or why:
        verdict.note("wrong", f"the last run is not complete: {why}")
    for summary, reason in early:
        if summary.complete or "--resume" not in reason:
            verdict.note("wrong", f"a run that did not end says: {reason or 'complete'}")
    bad = sum(row is None for row in world.rows) + world.writer.torn_end
    if world.resumed == 1 and last and last.invalid != bad:
        verdict.note("wrong", f"{last.invalid} rows invalid, there are {bad}")


def _sha256(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()
