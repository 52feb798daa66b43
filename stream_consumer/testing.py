"""A Kinesis stream in memory, and predictions to put onto it: for tests of programs that publish or consume."""

import hashlib
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from botocore.exceptions import ClientError
from msgspec import Struct, field

from pricing import prediction
from pricing.listing import Features
from pricing.prediction import (
    Interval,
    ModelVersion,
    Prediction,
    PredictionEvent,
    SourcePosition,
    prediction_id,
)

HASH_KEYS = 2**128
ITERATOR_AGE = timedelta(minutes=5)
MAX_RECORDS, MAX_BYTES, MAX_KEY = 500, 5 * 1024 * 1024, 256  # of PutRecords (API reference)
_ITERATORS = 10_000  # the newest ones count

Reply = dict[str, Any]
Arguments = Mapping[str, Any]


class MemoryShard(Struct):
    """A shard: hash keys from `first` to below `end`, and its records as GetRecords returns them, in order."""

    shard_id: str
    first: int
    end: int
    parents: tuple[str, ...] = ()
    children: list[str] = field(default_factory=list)
    closed_at: datetime | None = None
    records: list[Reply] = field(default_factory=list)
    trimmed: int = 0  # of the records, from the first on

    def listed(self) -> Reply:
        """Return it as ListShards has it."""
        numbers = {"StartingSequenceNumber": "0"}
        if self.closed_at:
            numbers["EndingSequenceNumber"] = self.records[-1]["SequenceNumber"] if self.records else "0"
        keys = {"StartingHashKey": str(self.first), "EndingHashKey": str(self.end - 1)}
        parents = dict(zip(("ParentShardId", "AdjacentParentShardId"), self.parents, strict=False))
        return {"ShardId": self.shard_id, "HashKeyRange": keys, "SequenceNumberRange": numbers, **parents}

    def place(self, kind: str, number: str, at: datetime | None) -> int:
        """Return where an iterator of a kind begins, as an index of `records`."""
        if kind == "LATEST":
            return len(self.records)
        if kind == "AFTER_SEQUENCE_NUMBER":
            return bisect_right(self.records, int(number), key=_number)
        if kind == "AT_SEQUENCE_NUMBER":
            return bisect_left(self.records, int(number), key=_number)
        if kind == "AT_TIMESTAMP" and at:
            return bisect_left(self.records, at, key=_arrival)
        return 0


class MemoryStream:
    """Stands in for boto3's Kinesis client, for one stream: hand it to `Publisher`, `Consumer` or code of your own.

        stream = MemoryStream("listings", shards=2)
        Publisher(stream, "listings").publish([{"listing_id": "L-1", "neighborhood": "Centro", "area_m2": 80}])
        assert len(stream.records()) == 1

    Records keep their order, hash keys decide on the shard, sequence numbers grow across splits and merges, and what is
    older than `retention` is gone, a closed shard that held nothing else too. `page` records are returned at a time.
    `clock` tells the service's time. Errors are those that boto3 raises. Safe to use from several threads. Override
    `call` to let calls fail.
    """

    shards_listed = 100  # by a ListShards

    def __init__(
        self,
        name: str = "predictions",
        shards: int = 1,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        retention: timedelta = timedelta(hours=24),
        page: int = 10_000,
    ) -> None:
        self.name = name
        self.clock = clock
        self.created = clock()
        self.retention = retention
        self.page = page
        self.shards: dict[str, MemoryShard] = {}
        self._last_number = 10**55
        self._iterators: dict[str, tuple[str, int, datetime]] = {}  # shard, place, and when it was made
        self._made = 0  # iterators, ever
        self._lock = threading.RLock()
        for index in range(shards):
            self._add(index * HASH_KEYS // shards, (index + 1) * HASH_KEYS // shards)

    # What a test does to the stream

    def put(self, partition_key: str, data: bytes) -> str:
        """Put a record onto the stream; return the id of its shard."""
        shard = self._shard_of(partition_key)
        self._last_number += 1
        shard.records.append(
            {
                "SequenceNumber": str(self._last_number),
                "Data": data,
                "PartitionKey": partition_key,
                "ApproximateArrivalTimestamp": self.clock(),
            }
        )
        return shard.shard_id

    def records(self) -> list[Reply]:
        """Return all records that the stream has, shard by shard, as GetRecords returns them."""
        return [record for shard in self.shards.values() for record in shard.records[shard.trimmed :]]

    def split(self, shard_id: str) -> None:
        """Divide an open shard in two."""
        shard = self.shards[shard_id]
        middle = (shard.first + shard.end) // 2
        for first, end in ((shard.first, middle), (middle, shard.end)):
            shard.children.append(self._add(first, end, (shard_id,)))
        shard.closed_at = self.clock()

    def merge(self, left: str, right: str) -> None:
        """Make one shard of two open ones, whose hash keys meet."""
        child = self._add(self.shards[left].first, self.shards[right].end, (left, right))
        for shard_id in (left, right):
            self.shards[shard_id].children.append(child)
            self.shards[shard_id].closed_at = self.clock()

    def expire_iterators(self) -> None:
        """Let all iterators be too old, as they are after five minutes."""
        self._iterators.clear()

    # What boto3's client does

    def put_record(self, *, Data: bytes, PartitionKey: str, **arguments: Any) -> Reply:  # noqa: N803, ANN401
        """Take one record."""

        def act() -> Reply:
            return {"ShardId": self.put(PartitionKey, Data), "SequenceNumber": str(self._last_number)}

        return self.call("put_record", arguments, act)

    def put_records(self, **arguments: Any) -> Reply:  # noqa: ANN401 - boto3's
        """Take records; those that `refusal` names come back with their code."""

        def act() -> Reply:
            entries = arguments["Records"]
            _check(entries)
            answers: list[Reply] = []
            for place, entry in enumerate(entries):
                if code := self.refusal(place):
                    answers.append({"ErrorCode": code, "ErrorMessage": "refused"})
                else:
                    shard_id = self.put(entry["PartitionKey"], entry["Data"])
                    answers.append({"ShardId": shard_id, "SequenceNumber": str(self._last_number)})
            return {"FailedRecordCount": sum("ErrorCode" in each for each in answers), "Records": answers}

        return self.call("put_records", arguments, act)

    def describe_stream_summary(self, **arguments: Any) -> Reply:  # noqa: ANN401 - boto3's
        """Describe the stream."""

        def act() -> Reply:
            summary = {
                "StreamName": self.name,
                "StreamARN": f"arn:aws:kinesis:us-east-1:123456789012:stream/{self.name}",
                "StreamStatus": "ACTIVE",
                "StreamCreationTimestamp": self.created,
                "RetentionPeriodHours": self.retention / timedelta(hours=1),
                "OpenShardCount": sum(each.closed_at is None for each in self.shards.values()),
            }
            return {"StreamDescriptionSummary": summary}

        return self.call("describe_stream_summary", arguments, act)

    def list_shards(self, **arguments: Any) -> Reply:  # noqa: ANN401 - boto3's
        """List the shards, page by page."""

        def act() -> Reply:
            self._trim()
            names = sorted(self.shards)
            start = int(arguments.get("NextToken", 0))
            end = start + self.shards_listed
            reply: Reply = {"Shards": [self.shards[name].listed() for name in names[start:end]]}
            return reply | ({"NextToken": str(end)} if len(names) > end else {})

        return self.call("list_shards", arguments, act)

    def get_shard_iterator(self, **arguments: Any) -> Reply:  # noqa: ANN401 - boto3's
        """Return an iterator."""

        def act() -> Reply:
            shard = self._existing(arguments["ShardId"], "GetShardIterator")
            number, at = arguments.get("StartingSequenceNumber", "0"), arguments.get("Timestamp")
            place = shard.place(arguments["ShardIteratorType"], number, at)
            return {"ShardIterator": self._iterator(shard.shard_id, place)}

        return self.call("get_shard_iterator", arguments, act)

    def get_records(self, **arguments: Any) -> Reply:  # noqa: ANN401 - boto3's
        """Return the records from an iterator on."""

        def act() -> Reply:
            shard_id, place, made_at = self._iterators.get(arguments["ShardIterator"], ("", 0, self.created))
            if not shard_id or self.clock() - made_at > ITERATOR_AGE:
                raise service_error("GetRecords", "ExpiredIteratorException", 400)
            shard = self._existing(shard_id, "GetRecords")
            place = max(place, shard.trimmed)
            end = min(place + min(self.page, arguments.get("Limit", self.page)), len(shard.records))
            reply: Reply = {"Records": shard.records[place:end], "MillisBehindLatest": self._behind(shard, end)}
            if shard.closed_at and end == len(shard.records):
                children = [self.shards[name] for name in shard.children]
                return reply | {"ChildShards": [each.listed() | {"ParentShards": [*each.parents]} for each in children]}
            return reply | {"NextShardIterator": self._iterator(shard_id, end)}

        return self.call("get_records", arguments, act)

    # What a subclass may change

    def call(self, operation: str, arguments: Arguments, act: Callable[[], Reply]) -> Reply:
        """Do what a call of the client is to do, which is `act`, and return its answer."""
        if arguments.get("StreamName", self.name) != self.name:
            raise service_error(
                operation, "ResourceNotFoundException", 400, f"Stream {arguments['StreamName']} not found"
            )
        with self._lock:
            return act() | {
                "ResponseMetadata": {
                    "HTTPHeaders": {"date": format_datetime(self.clock().astimezone(UTC), usegmt=True)}
                }
            }

    def refusal(self, place: int) -> str | None:
        """Return the code with which the entry at a place of the PutRecords under way is refused, if it is."""
        del place
        return None

    def _behind(self, shard: MemoryShard, end: int) -> int:
        left = shard.records[end:]
        return (
            max(1, int((self.clock() - left[0]["ApproximateArrivalTimestamp"]).total_seconds() * 1000)) if left else 0
        )

    def _existing(self, shard_id: str, operation: str) -> MemoryShard:
        self._trim()
        if shard_id not in self.shards:
            raise service_error(operation, "ResourceNotFoundException", 400, f"Shard {shard_id} does not exist")
        return self.shards[shard_id]

    def _trim(self) -> None:
        kept_from = self.clock() - self.retention
        for shard in list(self.shards.values()):
            shard.trimmed = bisect_left(shard.records, kept_from, key=_arrival)
            if shard.closed_at and shard.closed_at < kept_from:
                del self.shards[shard.shard_id]

    def _add(self, first: int, end: int, parents: tuple[str, ...] = ()) -> str:
        numbers = [int(name.partition("-")[2]) for name in self.shards]
        shard_id = f"shardId-{max(numbers, default=-1) + 1:012d}"
        self.shards[shard_id] = MemoryShard(shard_id, first, end, parents)
        return shard_id

    def _shard_of(self, partition_key: str) -> MemoryShard:
        place = int.from_bytes(hashlib.md5(partition_key.encode(), usedforsecurity=False).digest(), "big")
        return next(each for each in self.shards.values() if each.closed_at is None and each.first <= place < each.end)

    def _iterator(self, shard_id: str, place: int) -> str:
        self._made += 1
        name = f"{shard_id}:{place}:{self._made}"
        self._iterators[name] = (shard_id, place, self.clock())
        while len(self._iterators) > _ITERATORS:
            del self._iterators[next(iter(self._iterators))]
        return name


def priced(
    listing_id: str,
    price: float = 600_000.0,
    *,
    event_id: str | None = None,
    neighborhood: str = "Buritis",
    version: str = "1",
    currency: str = "XXX",
    sequence_number: int = 1,
    index: int = 0,
) -> bytes:
    """Return a prediction as it stands on the stream; `price` in a `currency` (XXX is ISO 4217's for none).

    `event_id` is the listing event's, from which the prediction has its id: equal ones are repeats.
    `sequence_number` and `index` are where the event stood on the input stream.
    """
    event_id = event_id or f"{listing_id}:{sequence_number}:{index}"
    return prediction.encode(
        PredictionEvent(
            specversion="1.0",
            id=prediction_id("/tests", event_id),
            source="/pricing/score",
            type="listing.priced",
            subject=listing_id,
            time="2026-11-24T12:00:00.123Z",
            data=Prediction(
                listing_id=listing_id,
                event_source="/tests",
                event_id=event_id,
                predicted_price=price,
                interval=Interval(0.8 * price, 1.3 * price, 0.9),
                currency=currency,
                model=ModelVersion("house-price", version),
                features=Features(neighborhood=neighborhood, area_m2=102.0),
                source_position=SourcePosition("shardId-000000000000", str(sequence_number), index),
            ),
        )
    )


def service_error(operation: str, code: str, status: int, message: str = "") -> ClientError:
    """Return the exception that boto3 raises for an error answer of a service."""
    answer: Any = {"Error": {"Code": code, "Message": message or code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)


def _check(entries: list[Reply]) -> None:
    if not 0 < len(entries) <= MAX_RECORDS:
        raise service_error("PutRecords", "ValidationException", 400, f"{len(entries)} records, at most {MAX_RECORDS}")
    if not all(0 < len(each["PartitionKey"].encode("utf-16-le")) <= 2 * MAX_KEY for each in entries):
        raise service_error("PutRecords", "ValidationException", 400, "a partition key has 1 to 256 characters")
    if sum(len(each["Data"]) + len(each["PartitionKey"].encode()) for each in entries) > MAX_BYTES:
        raise service_error("PutRecords", "InvalidArgumentException", 400, "more than 5 MiB")


def _number(record: Reply) -> int:
    return int(record["SequenceNumber"])


def _arrival(record: Reply) -> datetime:
    at: datetime = record["ApproximateArrivalTimestamp"]
    return at
