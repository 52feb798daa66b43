"""How the streams of a stack stand: shards, what comes and how fast, who is behind, what died."""

import gzip
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from lambdas.aws.errors import AWS_ERRORS
from lambdas.aws.kinesis_calls import KinesisCalls
from lambdas.aws.objects import DAY, Objects
from pricing.dead_letter_layout import DEAD_LETTERS, PARKED
from stream_consumer.positions import HORIZON, ShardPosition
from stream_consumer.shard import arrival

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_kinesis.type_defs import RecordTypeDef
    from mypy_boto3_s3 import S3Client

MINUTE = timedelta(minutes=1)
PAGES = 5  # of a shard's last minute: a second of what may be read of it
LOOKS_BACK = (timedelta(minutes=8), timedelta(hours=1), timedelta(hours=8))


class ShardOverview(Struct, frozen=True):
    """A shard: `oldest` and `newest` are when its first and last record arrived (UTC), None where it holds none.

    Rates are of the last minute, data and keys in bytes. `lag` is the age in seconds of the oldest record that the
    checkpoint has not passed, 0 where there is none, None without a checkpoint of the shard.
    """

    shard_id: str
    open: bool
    parents: list[str]
    oldest: datetime | None
    newest: datetime | None
    records_a_minute: float
    bytes_a_minute: float
    lag: float | None


class StreamOverview(Struct, frozen=True):
    """A stream and its shards."""

    stream: str
    retention_hours: float
    shards: list[ShardOverview]


class Overview(Struct, frozen=True):
    """A stack's streams; what died in the last day: letters, and batches that Lambda gave up on.

    `iterator_age` is the score function's, the greatest of the last ten minutes, in seconds; None where CloudWatch has
    none, as on a local cloud.
    """

    streams: list[StreamOverview]
    iterator_age: float | None
    dead_letters: int
    parked_batches: int


def look_at_stream(
    kinesis: "KinesisClient", stream: str, checkpoint: Mapping[str, ShardPosition] | None = None
) -> StreamOverview:
    """Return how a stream stands; waits for what passes, raises what does not. Takes a few reads of each shard."""
    calls = KinesisCalls(kinesis)
    summary = calls.patiently("describe_stream_summary", StreamName=stream)["StreamDescriptionSummary"]
    reply = calls.patiently("list_shards", StreamName=stream)
    shards = list(reply["Shards"])
    while token := reply.get("NextToken"):
        reply = calls.patiently("list_shards", NextToken=token)
        shards += reply["Shards"]
    found = [_Look(calls, stream, each).overview((checkpoint or {}).get(each["ShardId"])) for each in shards]
    return StreamOverview(stream, summary.get("RetentionPeriodHours", 24), found)


class _Look:
    """A look at one shard."""

    def __init__(self, calls: KinesisCalls, stream: str, listed: Mapping[str, Any]) -> None:
        self._calls = calls
        self._stream = stream
        self._listed = listed

    def overview(self, position: ShardPosition | None) -> ShardOverview:
        oldest = self._first(HORIZON)
        records, behind = self._last_minute()
        newest = arrival(records[-1]) if records else None
        minutes = 1.0
        if behind and newest:  # more came than a few reads hold: what they hold tells the rate
            minutes = max((newest - arrival(records[0])) / MINUTE, 1 / 60)
        return ShardOverview(
            shard_id=self._listed["ShardId"],
            open="EndingSequenceNumber" not in self._listed["SequenceNumberRange"],
            parents=[self._listed[name] for name in ("ParentShardId", "AdjacentParentShardId") if name in self._listed],
            oldest=oldest,
            newest=newest or (self._newest() if oldest else None),
            records_a_minute=round(len(records) / minutes, 1),
            bytes_a_minute=round(sum(map(_size, records)) / minutes, 1),
            lag=None if position is None else self._lag(position),
        )

    def _last_minute(self) -> "tuple[list[RecordTypeDef], bool]":
        records: list[RecordTypeDef] = []
        more = False
        for page, behind in self._pages(ShardPosition(at=self._calls.now() - MINUTE), PAGES):
            records += page
            more = behind
        return records, more

    def _newest(self) -> datetime | None:
        """Return when the last record arrived that came before the last minute; the nearest look that finds one."""
        for back in (*LOOKS_BACK, None):
            place = HORIZON if back is None else ShardPosition(at=self._calls.now() - back)
            last = None
            for page, _ in self._pages(place, 4 * PAGES):
                last = arrival(page[-1]) if page else last
            if last:
                return last
        return None

    def _lag(self, position: ShardPosition) -> float:
        first = None if position.ended else self._first(position)
        return round((self._calls.now() - first).total_seconds(), 1) if first else 0.0

    def _first(self, place: ShardPosition) -> datetime | None:
        pages = self._pages(place, 4 * PAGES, Limit=1)
        return next((arrival(page[0]) for page, _ in pages if page), None)

    def _pages(self, place: ShardPosition, most: int, **limit: int) -> "Iterator[tuple[list[RecordTypeDef], bool]]":
        """Yield pages from a place on, and whether there is more, up to the shard's end."""
        asked = {"StreamName": self._stream, "ShardId": self._listed["ShardId"], **place.request()}
        iterator = self._calls.patiently("get_shard_iterator", **asked)["ShardIterator"]
        for _ in range(most):
            reply = self._calls.patiently("get_records", ShardIterator=iterator, **limit)
            behind = bool(reply.get("MillisBehindLatest"))
            yield reply["Records"], behind
            iterator = reply.get("NextShardIterator")
            if not iterator or not behind:
                return


def _size(record: "RecordTypeDef") -> int:
    return len(record["Data"]) + len(record["PartitionKey"].encode())


def iterator_age(cloudwatch: "CloudWatchClient", function: str, now: datetime) -> float | None:
    """Return the greatest iterator age of a function in the last ten minutes, in seconds, None where nobody knows."""
    try:
        found = cloudwatch.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="IteratorAge",
            Dimensions=[{"Name": "FunctionName", "Value": function}],
            StartTime=now - 10 * MINUTE,
            EndTime=now,
            Period=60,
            Statistics=["Maximum"],
        )["Datapoints"]
    except AWS_ERRORS:  # who may read streams may not be allowed to read metrics
        return None
    return max((each["Maximum"] / 1000 for each in found), default=None)


def dead_of_last_day(s3: "S3Client", bucket: str, now: datetime) -> tuple[int, int]:
    """Return how many dead letters, and how many parked batches, were written in the last day and are still there."""
    objects = Objects(s3, bucket)
    since = now - DAY
    letters = [key for key, at in objects.written(f"{DEAD_LETTERS}/") if at >= since]
    parked = [key for key, at in objects.written(f"{PARKED}/") if at >= since]
    return sum(objects.read(letters, lambda found: gzip.decompress(found.body).count(b"\n"))), len(parked)
