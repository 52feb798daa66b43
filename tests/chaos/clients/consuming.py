"""The world of a consumer: predictions arrive, `belo consume` reads them through whatever happens, and the books."""

import json
import random
from bisect import bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pricing.aggregation import join
from stream_consumer.consumer import Consumer
from stream_consumer.gaps import Gap
from stream_consumer.positions import HORIZON, ShardPosition
from stream_consumer.printing.formats import Format
from stream_consumer.printing.newest import Newest
from stream_consumer.printing.output import Output
from stream_consumer.printing.printer import Printing
from stream_consumer.testing import priced
from stream_consumer.worker import Worker
from tests.chaos.books import Verdict
from tests.chaos.clients.clock import EventfulClock
from tests.chaos.clients.disk import Disk, Sink
from tests.chaos.clients.kinesis import StormyStream
from tests.chaos.clients.objects import StormyS3
from tests.chaos.clients.process import Machine, set_zone
from tests.chaos.weather import Weather

if TYPE_CHECKING:
    from collections.abc import Callable

STREAM = "predictions"
LISTINGS = 40
OPENING = 1.0  # seconds until a reader that begins with the latest stands there


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """How the consumer is run; `between` happens to the world after each burst and returns how many faults it was."""

    between: "Callable[[Consuming, random.Random], int] | None" = None
    start: ShardPosition = HORIZON
    in_s3: bool = False
    to_file: bool = False
    newest: bool = False
    zones: bool = False
    workers: int = 1
    most: int | None = None  # predictions a run
    aggregates: bool = False
    repeats: float = 0.02
    kills: float = 0.0  # a run's chance to be killed at its end
    may_fail: tuple[type[BaseException], ...] = ()
    shards: int = 2
    page: int = 60
    retention: timedelta = timedelta(hours=24)


@dataclass(slots=True)
class Truth:
    """A prediction as it went onto the stream: which of its listing's it is, and where and when it first arrived."""

    listing: str
    number: int
    shard_id: str
    arrived_at: datetime
    trimmed: bool = False


class Consuming:
    """A stream, a machine that reads it, and what came out."""

    def __init__(self, reader: Reader, weather: Weather, seed: int, folder: Path) -> None:
        self.reader = reader
        self.rng = random.Random(seed)
        self.weather = weather
        self.clock = EventfulClock()
        set_zone("UTC")
        self.stream = StormyStream(
            self.clock, STREAM, reader.shards, weather, retention=reader.retention, page=reader.page
        )
        self.s3 = StormyS3(self.clock, faults=weather, read_timeout=5.0)
        self.folder = folder
        self.disk = Disk(folder, self.clock, weather, self.rng)
        self.machine = Machine(self.clock, self.disk, self.rng, zones=reader.zones)
        self.received = bytearray()  # of a pipe
        self.truth: dict[str, Truth] = {}
        self.payloads: list[tuple[str, bytes]] = []  # the latest, for repeats
        self.numbers: Counter[str] = Counter()
        self.gaps: list[Gap] = []
        self.committed: list[tuple[int, int]] = []  # the bytes of the output that each commit covered: from, to
        self.wrong: list[str] = []
        self.known: set[str] = set()  # shards that ever stood in a checkpoint
        self.was_busy = False
        self.odd = 0  # repeats and aggregated records on the stream

    @property
    def injected(self) -> int:
        """How many faults struck calls, files and processes, and how much on the stream was no plain prediction."""
        struck = self.stream.injected.total() + self.s3.injected.total() + self.disk.injected.total()
        return struck + self.machine.kills + self.machine.moves + self.odd

    def publish(self, events: int, over: float) -> None:
        """Let predictions arrive over some seconds from now on."""
        for _ in range(events):
            self.clock.schedule(self.clock.time() + OPENING + self.rng.uniform(0, over), self._put_one)

    def publish_before(self, events: int) -> None:
        """Let predictions arrive that nobody is to read."""
        for number in range(events):
            self.stream.put(f"L-{number}", priced(f"L-{number}", event_id=f"before-{number}"))
        self.clock.sleep(60)

    def publish_now(self, events: int) -> None:
        """Let predictions arrive at once."""
        for _ in range(events):
            self._put_one()

    def _put_one(self) -> None:
        if self.payloads and self.rng.random() < self.reader.repeats:
            listing, data = self.rng.choice(self.payloads[-200:])
            self.stream.put(listing, data)
            self.odd += 1
            return
        listing = f"L-{self.rng.randrange(LISTINGS)}"
        made = [self._new(listing) for _ in range(self.rng.randint(2, 5) if self.reader.aggregates else 1)]
        if self.reader.newest and self.rng.random() < 0.2:
            self.clock.schedule(self.clock.time() + self.rng.uniform(0, 60), lambda: self._put(made))  # overtaken
        else:
            self._put(made)

    def _put(self, made: "list[tuple[str, int, str, bytes]]") -> None:
        listing = made[0][0]
        if self.reader.aggregates and self.rng.random() < 0.5:
            self.odd += 1
            shard_ids = len(made) * [self.stream.put(listing, join([(name, data) for name, _, _, data in made]))]
        else:
            shard_ids = [self.stream.put(name, data) for name, _, _, data in made]
        for (name, number, event, data), shard_id in zip(made, shard_ids, strict=True):
            self.truth[event] = Truth(name, number, shard_id, self.clock.now())
            self.payloads.append((name, data))

    def _new(self, listing: str) -> tuple[str, int, str, bytes]:
        """Return a listing, which of its predictions this is, its event's id, and the prediction."""
        self.numbers[listing] += 1
        number = self.numbers[listing]
        event = f"{listing}:{number}"
        return listing, number, event, priced(listing, event_id=event, sequence_number=number)

    def run(self, seconds: float, *, to_end: bool = False) -> None:
        """Run the reader, or each of its workers in turn, for some time or to the stream's end."""
        for number in range(1, self.reader.workers + 1):
            worker = Worker(number, self.reader.workers) if self.reader.workers > 1 else None
            with self.machine.process():
                self._read(seconds, worker, to_end=to_end)
            if self.received and not self.received.endswith(b"\n"):
                self.received += b"\n"  # the next process has a pipe of its own

    def _read(self, seconds: float, worker: Worker | None, *, to_end: bool) -> None:
        name = f"checkpoint-{worker.number}" if worker else "checkpoint"
        path = self.folder / "output" if self.reader.to_file else None
        newest = self.reader.newest
        with Consumer(
            self.stream,
            STREAM,
            start=self.reader.start,
            checkpoint=f"s3://bucket/{name}" if self.reader.in_s3 else self.folder / name,
            s3=self.s3,
            shards=worker,
            on_gap=self.gaps.append,
            clock=self.clock.monotonic,
            sleep=self.clock.sleep,
        ) as consumer:
            self._watch_commits(consumer)
            killed = self.rng.random() < self.reader.kills
            self.machine.schedule(seconds, self.machine.kill if killed else consumer.stop)
            Printing(consumer, Output(Sink(self.disk, path, self.received), Format.JSONL)).run(
                follow=not to_end,
                idle_timeout=None,
                limit=self.reader.most,
                latest_per_listing=newest,
                newest=Newest(self.folder / f"{name}.newest") if newest else None,
            )

    def _watch_commits(self, consumer: Consumer) -> None:
        commit = consumer.commit
        since = len(self.output())

        def committed() -> None:
            nonlocal since
            commit()
            self.known |= consumer._handed_on.keys()
            self.committed.append((since, since := len(self.output())))

        consumer.commit = committed  # type: ignore[method-assign]

    def output(self) -> bytes:
        """Return all that came out."""
        if self.reader.to_file:
            path = self.folder / "output"
            return path.read_bytes() if path.exists() else b""
        return bytes(self.received)

    def lines(self) -> list[tuple[int, str]]:
        """Return the event ids of the predictions that came out, with the offset where each began; torn lines aside."""
        found = []
        offset = torn = 0
        for line in self.output().splitlines(keepends=True):
            try:
                found.append((offset, json.loads(line)["data"]["event_id"]))
            except ValueError:
                torn += 1
            offset += len(line)
        if torn > self.machine.kills + len(self.machine.failures):
            self.wrong.append(f"{torn} torn lines, {self.machine.kills} kills, {len(self.machine.failures)} failures")
        return found

    def heirs(self, shard_id: str) -> list[str]:
        """Return a shard and all that came of it by splits and merges."""
        found = [shard_id]
        for each in found:
            found += [name for name, parents in self.stream.parents.items() if each in parents and name not in found]
        return found

    def was_committed(self, offset: int) -> bool:
        """Return whether what came out at an offset was committed by the run that wrote it."""
        place = bisect_right(self.committed, offset, key=lambda each: each[0])
        return any(begin <= offset < end for begin, end in self.committed[max(0, place - 3) : place])

    def note_trimmed(self) -> None:
        """Remember what the stream no longer has."""
        kept_from = self.clock.now() - self.stream.retention
        for each in self.truth.values():
            each.trimmed = each.trimmed or each.arrived_at < kept_from


def audit(world: Consuming) -> Verdict:
    """Balance the books of a reader that has read to the end."""
    verdict = Verdict(events=len(world.truth))
    world.note_trimmed()
    lines = world.lines()
    _each_once(world, lines, verdict)
    if world.reader.newest:
        _newest(world, lines, verdict)
    else:
        _all(world, {event for _, event in lines}, verdict)
        if world.reader.workers == 1:
            _in_order(world, lines, verdict)
    for error in world.machine.failures:
        if not isinstance(error, world.reader.may_fail):
            verdict.note("wrong", f"the reader ended with {type(error).__name__}: {error}")
    if not any(each.trimmed for each in world.truth.values()):
        for gap in world.gaps:
            if gap.reason != "moved":
                verdict.note("wrong", f"a gap where nothing was missing: {gap}")
    for problem in world.wrong:
        verdict.note("wrong", problem)
    verdict.duplicates = len(lines) - len({event for _, event in lines})
    return verdict


def _all(world: Consuming, seen: set[str], verdict: Verdict) -> None:
    """Every prediction came out, or was told to be missing."""
    told: defaultdict[str, list[Gap]] = defaultdict(list)
    for gap in world.gaps:
        told[gap.shard_id].append(gap)
    for event, truth in world.truth.items():
        gaps = list(told[truth.shard_id])
        if truth.shard_id not in world.known:
            gaps += [gap for name in world.heirs(truth.shard_id) for gap in told[name] if gap.reason == "shard_gone"]
        if event in seen or any(_covers(gap, truth.arrived_at) for gap in gaps):
            continue
        verdict.note("concealed" if truth.trimmed else "lost", f"{event} of {truth.shard_id} at {truth.arrived_at}")


def _covers(gap: Gap, at: datetime) -> bool:
    return (gap.since is None or gap.since <= at) and (gap.until is None or at <= gap.until)


def _each_once(world: Consuming, lines: list[tuple[int, str]], verdict: Verdict) -> None:
    """No prediction comes out again that had been committed, and none that never went in."""
    committed: set[str] = set()
    for offset, event in lines:
        if event not in world.truth:
            verdict.note("wrong", f"{event} never was on the stream")
        elif event in committed and not world.reader.newest:
            verdict.note("wrong", f"{event} came again after it had been committed")
        if world.was_committed(offset):
            committed.add(event)


def _in_order(world: Consuming, lines: list[tuple[int, str]], verdict: Verdict) -> None:
    """A listing's predictions came out in the order in which they went in."""
    newest: dict[str, int] = {}
    seen: set[str] = set()
    for _, event in lines:
        truth = world.truth.get(event)
        if truth is None or event in seen:
            continue
        seen.add(event)
        if truth.number < newest.get(truth.listing, 0):
            verdict.note("wrong", f"{event} came after {truth.listing}:{newest[truth.listing]}")
        newest[truth.listing] = truth.number


def _newest(world: Consuming, lines: list[tuple[int, str]], verdict: Verdict) -> None:
    """The last that came out for a listing is its newest, and none is older than one that had been committed."""
    last: dict[str, int] = {}
    committed: dict[str, int] = {}
    for offset, event in lines:
        truth = world.truth[event]
        if truth.number <= committed.get(truth.listing, 0):
            verdict.note("wrong", f"{event} was shown after {truth.listing}:{committed[truth.listing]}")
        if world.was_committed(offset):
            committed[truth.listing] = truth.number
        last[truth.listing] = truth.number
    for listing, number in world.numbers.items():
        if last.get(listing) != number:
            verdict.note("lost", f"the newest of {listing} is {number}, shown {last.get(listing)}")
