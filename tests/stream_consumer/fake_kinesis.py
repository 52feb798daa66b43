"""A Kinesis stream in memory: written and read, split and merged, and failing in the ways the service fails."""

import hashlib
import threading
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError

KEYS = 2**128
CREATED = datetime(2026, 11, 24, tzinfo=UTC)


@dataclass(frozen=True)
class Refuse:
    """Refuses the entries at these places of one PutRecords, and takes the others."""

    places: tuple[int, ...]
    code: str = "ProvisionedThroughputExceededException"


@dataclass(frozen=True)
class Fail:
    """Fails a call with an error of the service; nothing happens."""

    code: str = "ThrottlingException"
    status: int = 400


@dataclass(frozen=True)
class Disconnect:
    """Breaks the connection before the answer; what was asked may have been done."""

    done: bool = True


Fault = Refuse | Fail | Disconnect


@dataclass
class Shard:
    first_key: int
    end_key: int
    parents: tuple[str, ...] = ()
    children: list[str] = field(default_factory=list)
    closed: bool = False
    records: list[dict[str, Any]] = field(default_factory=list)


class FakeKinesis:
    """Speaks as boto3's client does for one stream; `faults[operation]` holds what goes wrong with the next calls."""

    def __init__(self, shards: int = 1, stream: str = "predictions", page: int = 10_000) -> None:
        self.stream = stream
        self.created = CREATED
        self.page = page
        self.faults: dict[str, deque[Fault | None]] = defaultdict(deque)
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.shards: dict[str, Shard] = {}
        self._number = 1000
        self._iterators: dict[str, tuple[str, int]] = {}
        self._lock = threading.Lock()
        for index in range(shards):
            self._add(index * KEYS // shards, (index + 1) * KEYS // shards)

    # What tests do to the stream

    def put(self, key: str, data: bytes) -> str:
        shard_id = self._shard_of(key)
        self._number += 1
        record = {
            "SequenceNumber": str(self._number),
            "Data": data,
            "PartitionKey": key,
            "ApproximateArrivalTimestamp": CREATED + timedelta(seconds=self._number),
        }
        self.shards[shard_id].records.append(record)
        return shard_id

    def split(self, shard_id: str) -> None:
        shard = self.shards[shard_id]
        middle = (shard.first_key + shard.end_key) // 2
        for first, end in ((shard.first_key, middle), (middle, shard.end_key)):
            shard.children.append(self._add(first, end, (shard_id,)))
        shard.closed = True

    def merge(self, left: str, right: str) -> None:
        child = self._add(self.shards[left].first_key, self.shards[right].end_key, (left, right))
        for shard_id in (left, right):
            self.shards[shard_id].children.append(child)
            self.shards[shard_id].closed = True

    def expire_iterators(self) -> None:
        self._iterators.clear()

    def records(self) -> list[dict[str, Any]]:
        return [record for shard in self.shards.values() for record in shard.records]

    def called(self, operation: str) -> list[dict[str, Any]]:
        return [arguments for name, arguments in self.calls if name == operation]

    # What boto3's client does

    def put_records(self, **arguments: Any) -> dict[str, Any]:
        entries = arguments["Records"]
        assert 0 < len(entries) <= 500
        assert sum(len(each["Data"]) + len(each["PartitionKey"].encode()) for each in entries) <= 5 * 1024 * 1024

        def act(fault: Fault | None) -> dict[str, Any]:
            refused = fault.places if isinstance(fault, Refuse) else ()
            answers = []
            for place, entry in enumerate(entries):
                if isinstance(fault, Refuse) and place in refused:
                    answers.append({"ErrorCode": fault.code, "ErrorMessage": "refused"})
                else:
                    shard_id = self.put(entry["PartitionKey"], entry["Data"])
                    answers.append({"ShardId": shard_id, "SequenceNumber": str(self._number)})
            return {"FailedRecordCount": len(refused), "Records": answers}

        return self._call("put_records", arguments, act)

    def describe_stream_summary(self, **arguments: Any) -> dict[str, Any]:
        summary = {
            "StreamARN": f"arn:aws:kinesis:us-east-1:123456789012:stream/{self.stream}",
            "StreamCreationTimestamp": self.created,
            "RetentionPeriodHours": 24,
        }
        return self._call("describe_stream_summary", arguments, lambda _: {"StreamDescriptionSummary": summary})

    def list_shards(self, **arguments: Any) -> dict[str, Any]:
        def act(_: Fault | None) -> dict[str, Any]:
            names = sorted(self.shards)
            start = int(arguments.get("NextToken", 0))
            listed: dict[str, Any] = {"Shards": [self._listed(name) for name in names[start : start + 2]]}
            if len(names) > start + 2:
                listed["NextToken"] = str(start + 2)
            return listed

        return self._call("list_shards", arguments, act)

    def get_shard_iterator(self, **arguments: Any) -> dict[str, Any]:
        def act(_: Fault | None) -> dict[str, Any]:
            if arguments["ShardId"] not in self.shards:
                raise service_error("GetShardIterator", "ResourceNotFoundException", 400)
            records = self.shards[arguments["ShardId"]].records
            return {"ShardIterator": self._iterator(arguments["ShardId"], _place(records, arguments))}

        return self._call("get_shard_iterator", arguments, act)

    def get_records(self, **arguments: Any) -> dict[str, Any]:
        def act(_: Fault | None) -> dict[str, Any]:
            if arguments["ShardIterator"] not in self._iterators:
                raise service_error("GetRecords", "ExpiredIteratorException", 400)
            shard_id, place = self._iterators[arguments["ShardIterator"]]
            if shard_id not in self.shards:
                raise service_error("GetRecords", "ResourceNotFoundException", 400)
            shard = self.shards[shard_id]
            end = min(place + self.page, len(shard.records))
            answer: dict[str, Any] = {"Records": shard.records[place:end]}
            answer["MillisBehindLatest"] = 1000 * (len(shard.records) - end)
            if shard.closed and end == len(shard.records):
                answer["ChildShards"] = [
                    self._listed(child) | {"ParentShards": list(self.shards[child].parents)} for child in shard.children
                ]
            else:
                answer["NextShardIterator"] = self._iterator(shard_id, end)
            return answer

        return self._call("get_records", arguments, act)

    def _call(self, operation: str, arguments: dict[str, Any], act: Any) -> dict[str, Any]:
        with self._lock:
            self.calls.append((operation, arguments))
            fault = self.faults[operation].popleft() if self.faults[operation] else None
            if isinstance(fault, Fail):
                raise service_error(operation, fault.code, fault.status)
            if isinstance(fault, Disconnect) and not fault.done:
                raise ConnectionClosedError(endpoint_url="http://kinesis")
            answer: dict[str, Any] = act(fault)
            if isinstance(fault, Disconnect):
                raise ConnectionClosedError(endpoint_url="http://kinesis")
            return answer | {"ResponseMetadata": {"HTTPHeaders": {"date": format_datetime(self.now, usegmt=True)}}}

    @property
    def now(self) -> datetime:
        """The service's clock: the newest record's arrival."""
        return CREATED + timedelta(seconds=self._number)

    def _add(self, first: int, end: int, parents: tuple[str, ...] = ()) -> str:
        shard_id = f"shardId-{len(self.shards):012d}"
        self.shards[shard_id] = Shard(first, end, parents)
        return shard_id

    def _shard_of(self, key: str) -> str:
        place = int(hashlib.md5(key.encode()).hexdigest(), 16)
        for shard_id, shard in self.shards.items():
            if not shard.closed and shard.first_key <= place < shard.end_key:
                return shard_id
        raise AssertionError(key)

    def _listed(self, shard_id: str) -> dict[str, Any]:
        shard = self.shards[shard_id]
        listed: dict[str, Any] = {
            "ShardId": shard_id,
            "HashKeyRange": {"StartingHashKey": str(shard.first_key), "EndingHashKey": str(shard.end_key - 1)},
            "SequenceNumberRange": {"StartingSequenceNumber": "0"},
        }
        if shard.closed:
            listed["SequenceNumberRange"]["EndingSequenceNumber"] = str(self._number)
        return listed | dict(zip(("ParentShardId", "AdjacentParentShardId"), shard.parents, strict=False))

    def _iterator(self, shard_id: str, place: int) -> str:
        name = f"{shard_id}:{place}:{len(self.calls)}"
        self._iterators[name] = (shard_id, place)
        return name


def service_error(operation: str, code: str, status: int) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)


def _place(records: list[dict[str, Any]], arguments: dict[str, Any]) -> int:
    kind = arguments["ShardIteratorType"]
    if kind == "LATEST":
        return len(records)
    if kind == "AFTER_SEQUENCE_NUMBER":
        return _first(records, lambda each: int(each["SequenceNumber"]) > int(arguments["StartingSequenceNumber"]))
    if kind == "AT_SEQUENCE_NUMBER":
        return _first(records, lambda each: int(each["SequenceNumber"]) >= int(arguments["StartingSequenceNumber"]))
    if kind == "AT_TIMESTAMP":
        return _first(records, lambda each: each["ApproximateArrivalTimestamp"] >= arguments["Timestamp"])
    return 0


def _first(records: Iterable[dict[str, Any]], found: Any) -> int:
    place = 0
    for record in records:
        if found(record):
            return place
        place += 1
    return place
