"""The world of a redrive: dead letters and parked batches go back through whatever happens, and the books."""

import base64
import gzip
import json
import random
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from lambdas.aws import objects
from pricing.listing import Listing, ListingEvent
from pricing.listing import encode as encode_listing
from stream_producer import publisher
from stream_producer.dead_letters_bucket.objects import LetterObjects
from stream_producer.dead_letters_bucket.redrive import MOST_ATTEMPTS, Choice, Redrive
from stream_producer.publisher import Publisher
from terminal.errors import Failure
from tests.chaos.books import Verdict
from tests.chaos.clients.clock import EventfulClock
from tests.chaos.clients.disk import Disk
from tests.chaos.clients.kinesis import StormyStream
from tests.chaos.clients.objects import StormyS3
from tests.chaos.clients.process import Machine, set_zone
from tests.chaos.clients.publishing import Overtaking, all_of
from tests.chaos.threads import InLine
from tests.chaos.weather import Weather

if TYPE_CHECKING:
    from collections.abc import Callable

STREAM, BUCKET = "listings", "dead-letters"
DAY = datetime(2025, 11, 22, tzinfo=UTC)
LETTERS_AN_OBJECT = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """How redrive is run; `during` happens while it runs and returns how many faults it was."""

    during: "Callable[[Redriving, random.Random], int] | None" = None
    twice: float = 0.1  # of the records: both a dead letter and in a parked batch
    may_fail: tuple[type[BaseException], ...] = ()
    exact: bool = False  # nothing happens that would excuse a repeat
    comes_back: bool = False


@dataclass(frozen=True, slots=True)
class Letter:
    """A record that came to nothing."""

    number: int
    key: str
    data: bytes
    arrived_at: datetime

    @property
    def place(self) -> tuple[str, str]:
        """Where it stood on the stream."""
        return "shardId-000000000000", str(10**20 + self.number)


class Redriving:
    """A bucket, a machine that redrives it, and the stream."""

    def __init__(self, sender: Sender, weather: Weather, seed: int, folder: Path) -> None:
        self.sender = sender
        self.rng = random.Random(seed)
        self.weather = weather
        self.clock = EventfulClock()
        set_zone("UTC")
        self.stream = StormyStream(self.clock, STREAM, 2, weather)
        self.s3 = StormyS3(self.clock, faults=weather, read_timeout=5.0)
        self.machine = Machine(self.clock, Disk(folder, self.clock, weather, self.rng), self.rng)
        self.letters: dict[bytes, Letter] = {}
        self.left_alone = 0
        self.happened = 0
        self._interfering = False
        self.runs: list[int] = []  # how many records the stream had at the end of each
        self.wrong: list[str] = []

    @property
    def injected(self) -> int:
        """How many faults struck calls and processes, and how many letters stand in two objects or came back."""
        return self.stream.injected.total() + self.s3.injected.total() + self.machine.kills + self.happened

    def fill(self, events: int) -> None:
        """Let records die, one by one or in whole batches."""
        numbers = list(range(events))
        for start in range(0, events, LETTERS_AN_OBJECT):
            made = [self._letter(number) for number in numbers[start : start + LETTERS_AN_OBJECT]]
            if self.rng.random() < 0.4:
                self.s3.store(BUCKET, self._parked_key(start), _parked(made))
                again = [each for each in made if self.rng.random() < self.sender.twice]
                self._die(again)
                self.happened += len(again)
            else:
                self._die(made)
        self.s3.store(BUCKET, self._parked_key(10**6), _parked([self._letter(0)], stream="another"))

    def _letter(self, number: int) -> Letter:
        key = f"L-{number % 50}"
        event = ListingEvent(
            specversion="1.0",
            id=f"event-{number}",
            source="/tests",
            type="listing.submitted",
            data=Listing(listing_id=key, neighborhood="Savassi", area_m2=80.0),
        )
        letter = Letter(number, key, encode_listing(event), DAY + timedelta(seconds=7 * number))
        self.letters.setdefault(letter.data, letter)
        return letter

    @staticmethod
    def _parked_key(start: int) -> str:
        return f"aws/lambda/5f0c/shardId-000000000000/2025/11/22/{10**9 - start:010d}"  # the names are no order

    def _die(self, letters: list[Letter], name: str = "") -> None:
        if letters:
            key = f"dead-letters/dt=2025-11-22/shardId-000000000000-{name}{10**9 - letters[0].number:010d}.ndjson.gz"
            self.s3.store(BUCKET, key, _dead(letters))

    def run(self, *, again: bool = False) -> bool:
        """Redrive once; return whether it came to its end."""
        ended = False
        pool = Overtaking(self.rng)
        with self.machine.process(), _pool(pool):
            letters = LetterObjects(self.s3, BUCKET, STREAM)  # type: ignore[arg-type]
            sending = Publisher(self.stream, STREAM, clock=self.clock.monotonic, wait=self.clock.sleep)  # type: ignore[arg-type]
            redrive = Redrive(letters, sending, lambda _: None, Choice(again=again))
            keys = redrive.keys()
            self.machine.schedule(self.rng.uniform(0, 1.5), self._interfere)
            result = redrive.run(keys)
            self.left_alone = result.left_alone or 0
            ended = True
        self.runs.append(len(self.stream.records()))
        self.clock.sleep(self.rng.uniform(1, 30))
        return ended

    def _interfere(self) -> None:
        if self.sender.during and not self.weather.calm and not self._interfering:
            self._interfering = True
            self.happened += self.sender.during(self, self.rng)
            self._interfering = False

    def left(self) -> set[bytes]:
        """Return what still stands in the bucket to be redriven."""
        return {data for prefix in ("dead-letters/", "aws/lambda/") for data in self._in(prefix)}

    def redriven(self) -> set[bytes]:
        """Return what stands in the bucket as redriven."""
        return self._in("redriven/")

    def _in(self, prefix: str) -> set[bytes]:
        found: set[bytes] = set()
        for key in self.s3.keys(BUCKET, prefix):
            body = self.s3.objects[BUCKET, key].body
            if body.startswith(b"\x1f\x8b"):
                lines = gzip.decompress(body).splitlines()
                found |= {base64.b64decode(json.loads(line)["payload"]) for line in lines}
            elif (event := json.loads(json.loads(body)["payload"]))["Records"][0]["eventSourceARN"].endswith(STREAM):
                found |= {base64.b64decode(record["kinesis"]["data"]) for record in event["Records"]}
        return found


def come_back(world: Redriving, events: int) -> None:
    """Let some records die again after each redrive: the fourth leaves them alone, and `--again` does not."""
    letters = list(world.letters.values())[: max(1, events // 20)]
    for turn in range(MOST_ATTEMPTS + 1):
        before = len(world.stream.records())
        world._die(letters, name=f"back{turn}-")
        world.happened += len(letters)
        while not world.run():
            pass
        sent = len(world.stream.records()) - before
        if turn >= MOST_ATTEMPTS - 1 and (sent or world.left_alone < len(letters)):
            world.wrong.append(f"{sent} letters went for the {turn + 2}. time, {world.left_alone} were left alone")
    while not world.run(again=True):
        pass


def audit(world: Redriving) -> Verdict:
    """Balance the books of a bucket that has been redriven."""
    verdict = Verdict(events=len(world.letters))
    arrived: list[Letter] = []
    for record in sorted(world.stream.records(), key=lambda each: int(each["SequenceNumber"])):
        letter = world.letters.get(record["Data"])
        if letter is None:
            verdict.note("wrong", f"no such letter: {record}")
        elif record["PartitionKey"] != letter.key:
            verdict.note("wrong", f"partition key {record['PartitionKey']} of letter {letter.number}")
        else:
            arrived.append(letter)
    times = Counter(letter.number for letter in arrived)
    left, redriven = world.left(), world.redriven()
    for data, letter in world.letters.items():
        if not times[letter.number]:
            verdict.note("lost", f"letter {letter.number}" + (" is still in the bucket" if data in left else ""))
        elif data in left:
            verdict.note("wrong", f"letter {letter.number} went and is still in the bucket")
        elif data not in redriven:
            verdict.note("wrong", f"letter {letter.number} is not kept under redriven/")
    verdict.duplicates = len(arrived) - len(times)
    if world.sender.exact and verdict.duplicates:
        verdict.note("wrong", f"{verdict.duplicates} letters went more than once")
    _oldest_first(arrived, verdict)
    if not world.s3.keys(BUCKET, world._parked_key(10**6)):
        verdict.note("wrong", "another stream's parked batch is gone")
    for error in world.machine.failures:
        if not isinstance(error, (*world.sender.may_fail, Failure)):
            verdict.note("wrong", f"redrive ended with {type(error).__name__}: {error}")
    for problem in world.wrong:
        verdict.note("wrong", problem)
    return verdict


def _oldest_first(arrived: list[Letter], verdict: Verdict) -> None:
    newest: defaultdict[str, int] = defaultdict(lambda: -1)
    seen: set[int] = set()
    for letter in arrived:
        if letter.number not in seen and letter.number < newest[letter.key]:
            verdict.note("wrong", f"letter {letter.number} of {letter.key} went after {newest[letter.key]}")
        seen.add(letter.number)
        newest[letter.key] = max(newest[letter.key], letter.number)


def _dead(letters: list[Letter]) -> bytes:
    lines = [
        {
            "reason": "invalid_listing",
            "error": "area_m2: expected a number > 0, got -3",
            "payload": base64.b64encode(each.data).decode(),
            "shard_id": each.place[0],
            "sequence_number": each.place[1],
            "index": 0,
            "partition_key": each.key,
            "arrived_at": each.arrived_at.isoformat(),
        }
        for each in letters
    ]
    return gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode(), mtime=0)


def _parked(letters: list[Letter], stream: str = STREAM) -> bytes:
    records = [
        {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": each.key,
                "sequenceNumber": each.place[1],
                "data": base64.b64encode(each.data).decode(),
                "approximateArrivalTimestamp": each.arrived_at.timestamp(),
            },
            "eventSource": "aws:kinesis",
            "eventID": ":".join(each.place),
            "eventSourceARN": f"arn:aws:kinesis:us-east-1:123456789012:stream/{stream}",
        }
        for each in letters
    ]
    return json.dumps({"version": "1.0", "payload": json.dumps({"Records": records})}).encode()


def _pool(pool: Overtaking) -> Any:
    return all_of(
        patch.object(publisher, "ThreadPoolExecutor", lambda _: pool),
        patch.object(publisher, "wait", pool.wait),
        patch.object(objects, "ThreadPoolExecutor", lambda _: InLine()),
    )
