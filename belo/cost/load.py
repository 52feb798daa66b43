"""What a rate of listings asks of the stack: shards, invocations, objects, bytes. Pure arithmetic.

The stack is the one of infra/modules/stack as it stands, with the defaults of its variables. The rate is steady.
"""

import math

from msgspec import Struct

from belo.cost import figures
from lambdas.aws.put_records import MAX_RECORDS
from lambdas.scoring.publish import CONNECTIONS
from stream_producer.aggregation import GROUPS


class Choice(Struct, frozen=True):
    """How the stack is set up."""

    on_demand: bool = False
    aggregate: bool = False
    fan_out: bool = False
    own_key: bool = False
    network: bool = False
    cpu_microseconds: float = figures.CPU_MICROSECONDS


class Stream(Struct, frozen=True):
    """What one stream takes; `shards_needed` with the margin."""

    events_a_second: float
    records_a_second: float
    record_bytes: float
    shards_needed: int

    @property
    def bytes_a_second(self) -> float:
        """Return what counts against a shard's bytes."""
        return self.records_a_second * self.record_bytes


class Calls(Struct, frozen=True):
    """Invocations of a function: how many a second, how long each, and how many go on at once."""

    a_second: float
    seconds: float
    memory_mb: int

    @property
    def at_once(self) -> float:
        """Return how many go on at once, on average."""
        return self.a_second * self.seconds


class Look(Struct, frozen=True):
    """A look of the monitor; `seconds` is what it would take, were there no time-out."""

    objects: float
    rows: float
    seconds: float

    @property
    def fits(self) -> bool:
        """Return whether it ends before its time-out."""
        return self.seconds <= figures.LOOK_TIMEOUT


class Use(Struct, frozen=True):
    """How far a limit is used, and which variable of infra/modules/stack moves it."""

    limit: str
    used: float
    of: float
    variable: str


class Load(Struct, frozen=True):
    """Everything that a rate asks of the figures. Both streams have the same `shards`: the module has one variable."""

    rate: float
    listings: Stream
    predictions: Stream
    shards: int
    score: Calls
    parallelization: int
    archive: Calls
    look: Look


def load(rate: float, choice: Choice) -> Load:
    """Return what a rate of listings a second asks of the stack."""
    listings = _stream(rate, figures.LISTING_BYTES, packed_listings(rate) if choice.aggregate else 1.0)
    predictions = _stream(rate, figures.PREDICTION_BYTES, 1.0)
    needed = max(listings.shards_needed, predictions.shards_needed)
    shards = max(needed, figures.ON_DEMAND_SHARDS if choice.on_demand else figures.SHARDS)
    score, archive = _score(listings, shards, choice), _archive(rate, shards)
    at_once = math.ceil(score.at_once / shards / figures.MARGIN)
    return Load(
        rate=rate,
        listings=listings,
        predictions=predictions,
        shards=shards,
        score=score,
        parallelization=max(1, min(at_once, int(figures.MAX_PARALLELIZATION.value))),
        archive=archive,
        look=_look(rate, archive),
    )


def packed_listings(rate: float) -> float:
    """Return how many listings an aggregated record holds when it is sent: full, or a second old."""
    return min(float(figures.PACKED_LISTINGS), max(1.0, rate * figures.PACK_SECONDS / GROUPS))


def uses(asked: Load, choice: Choice) -> list[Use]:
    """Return how far each limit is used that the rate comes near to."""
    busy, at_once = asked.score.at_once / asked.shards, (1 + asked.parallelization) * asked.shards + 1
    most = max(asked.listings.bytes_a_second, asked.predictions.bytes_a_second)
    records = max(asked.listings.records_a_second, asked.predictions.records_a_second)
    read = asked.predictions.bytes_a_second / asked.shards * 2  # by the archive, and by one consumer that polls
    by_default = figures.SHARDS * figures.SHARD_RECORDS.value
    streams = (
        [Use("bytes a second, new on-demand stream", most, figures.ON_DEMAND_BYTES_AT_FIRST.value, "grows by itself")]
        if choice.on_demand
        else [
            Use(f"records a second, {figures.SHARDS} shards by default", records, by_default, "`shards`"),
            Use("shards of a stream, as the module allows", asked.shards, figures.MOST_SHARDS, "its validation"),
            Use("shards of the account", 2 * asked.shards, figures.ACCOUNT_SHARDS.value, "a quota"),
        ]
    )
    return [
        *streams,
        Use("bytes a second read of a shard", read, figures.SHARD_BYTES_OUT.value, "`shards`, fan-out for consumers"),
        Use("batches of a shard at once", busy, figures.MAX_PARALLELIZATION.value, "`parallelization_factor`"),
        Use("invocations of the account at once", at_once, figures.CONCURRENCY.value, "a quota"),
        Use("seconds of a look of the monitor", asked.look.seconds, figures.LOOK_TIMEOUT, "`monitor_window_hours`"),
        Use(
            "objects a second into the archive",
            asked.archive.a_second,
            figures.S3_PUTS.value,
            "`archive_window_seconds`",
        ),
    ]


def _stream(rate: float, size: float, events: float) -> Stream:
    """Return what a stream takes whose records hold so many events each."""
    weight = size + figures.KEY_BYTES if events == 1 else events * figures.PACKED_BYTES / figures.PACKED_LISTINGS
    records = rate / events
    used = max(records / figures.SHARD_RECORDS.value, records * weight / figures.SHARD_BYTES.value)
    return Stream(rate, records, weight, max(1, math.ceil(used / figures.MARGIN)))


def _score(listings: Stream, shards: int, choice: Choice) -> Calls:
    """Return the scoring function's invocations: a poll a second and shard that finds something, or full batches.

    With fan-out, what a shard pushes is an invocation.
    """
    records = listings.records_a_second / shards
    if not records:
        return Calls(0, 0, figures.MEMORY_MB)
    batch = min(float(figures.BATCH), figures.EVENT_BYTES.value / _in_event(listings.record_bytes))
    polls = 1 / figures.PUSH_SECONDS if choice.fan_out else figures.POLLS.value
    calls = max(polls * -math.expm1(-records / polls), records / batch)
    found = listings.events_a_second / shards / calls
    cpu = found * choice.cpu_microseconds * 1e-6 * figures.CORE_MB / figures.MEMORY_MB
    puts = max(1.0, found / MAX_RECORDS / CONNECTIONS) * figures.CALL_SECONDS
    asks = min(1.0, 1 / figures.POLL_SECONDS / calls) * figures.OBJECT_SECONDS  # some ask for the champion
    return Calls(shards * calls, figures.INVOCATION_SECONDS + cpu + puts + asks, figures.MEMORY_MB)


def _archive(rate: float, shards: int) -> Calls:
    """Return the archive's invocations, an object each: when the window ends, or the event is full."""
    records = rate / shards
    if not records:
        return Calls(0, 0, figures.ARCHIVE_MEMORY_MB)
    full = min(figures.ARCHIVE_BATCH, figures.EVENT_BYTES.value / _in_event(figures.PREDICTION_BYTES))
    calls = max(1 / (figures.ARCHIVE_WINDOW + 1 / records), records / full)
    core = figures.ARCHIVE_MEMORY_MB / figures.CORE_MB
    cpu = records / calls * figures.ARCHIVE_MICROSECONDS * 1e-6 / core
    seconds = figures.INVOCATION_SECONDS + cpu + figures.OBJECT_SECONDS
    return Calls(shards * calls, seconds, figures.ARCHIVE_MEMORY_MB)


def _in_event(record_bytes: float) -> float:
    """Return how many bytes a record takes in Lambda's event, in base64."""
    return record_bytes * 4 / 3 + figures.ENVELOPE_BYTES


def _look(rate: float, archive: Calls) -> Look:
    """Return what a look reads: every object of its window, and every row in them."""
    objects, rows = (a_second * figures.LOOK_HOURS * 3600 for a_second in (archive.a_second, rate))
    fetching = objects * figures.OBJECT_SECONDS / figures.READERS
    return Look(objects, rows, figures.LOOK_SECONDS + fetching + rows * figures.WATCH_MICROSECONDS * 1e-6)
