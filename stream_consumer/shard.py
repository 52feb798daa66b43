"""One shard: how far it has been read, and what the next answer says of that."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct, field, structs

from lambdas.aws.kinesis_calls import KinesisCalls, Retries
from stream_consumer.gaps import Gap
from stream_consumer.positions import ENDED, ShardPosition

if TYPE_CHECKING:
    from mypy_boto3_kinesis.type_defs import GetRecordsOutputTypeDef, RecordTypeDef

# Kinesis takes five GetRecords a second for a shard, from all readers together.
SECONDS_BETWEEN_READS = 0.2  # where there is more
SECONDS_BETWEEN_LOOKS = 1.0  # where there was nothing


class Shard(Struct):
    """A shard under way; `due` is when to ask it next, on the reader's clock.

    `caught_up`: it had nothing more when last read. `behind`: it has more to give, did not answer, or was not asked
    yet. `at_end`: it has been read to the end that was asked for. `missing`: the stream did not know it last time.
    `closed`: the stream lists it as such. `seems_ended`: its last answer had nothing more, nor a next iterator.
    """

    shard_id: str
    parents: frozenset[str]
    position: ShardPosition
    iterator: str | None = None
    due: float = 0.0
    caught_up: bool = False
    behind: bool = True
    at_end: bool = False
    missing: bool = False
    closed: bool = False
    seems_ended: bool = False
    retries: Retries = field(default_factory=Retries)

    @property
    def read_until(self) -> datetime | None:
        """Return up to which arrival it has been read, or should have been, as far as that is known (UTC)."""
        return self.position.read_until or self.position.at

    def ask(self, calls: KinesisCalls, stream: str) -> "GetRecordsOutputTypeDef":
        """Return the next answer, from an iterator made anew where there is none; raises as `KinesisCalls.once`."""
        if self.iterator is None:
            place = self.position.request()
            answer = calls.once("get_shard_iterator", StreamName=stream, ShardId=self.shard_id, **place)
            self.iterator = answer["ShardIterator"]
            self.position = self.position.opened()
        reply: GetRecordsOutputTypeDef = calls.once("get_records", ShardIterator=self.iterator)
        self.retries.succeeded()
        self.missing = False
        return reply

    def failed(self, now: float, pause: float) -> None:
        """Note that it did not answer, and when to try again."""
        self.caught_up, self.behind = False, True
        self.due = now + max(pause, SECONDS_BETWEEN_READS)

    def take(
        self, reply: "GetRecordsOutputTypeDef", clock: float, now: datetime, end: datetime | None
    ) -> "list[RecordTypeDef]":
        """Return the records of an answer that arrived before `end`, and note how far that is.

        `clock` is the reader's time, `now` the service's.
        """
        records = _before(reply["Records"], end)
        whole = len(records) == len(reply["Records"])
        self.behind = whole and bool(reply.get("MillisBehindLatest"))
        self.caught_up = whole and not records and not self.behind
        self.at_end = not whole or (self.caught_up and end is not None and now >= end - timedelta(seconds=1))
        self.iterator = reply.get("NextShardIterator") if whole else None
        self.seems_ended = whole and self.iterator is None and not self.behind
        self._advance(records, now if whole and not self.behind else None)
        self.due = clock + (SECONDS_BETWEEN_READS if records or self.behind else SECONDS_BETWEEN_LOOKS)
        return records

    def _advance(self, records: "list[RecordTypeDef]", read_until: datetime | None) -> None:
        if records:
            last = records[-1]
            self.position = ShardPosition(after=last["SequenceNumber"], read_until=arrival(last))
        if read_until:
            self.position = structs.replace(self.position, read_until=read_until)

    def gap_before(self, reply: "GetRecordsOutputTypeDef", kept_from: datetime, created: datetime) -> Gap | None:
        """Return what the stream no longer had when it gave this answer, if anything.

        That is so where reading should have gone on before the oldest record that the stream keeps, and the first
        record of the answer is not from before that either. Nothing stood on the stream before it was `created`.
        """
        since = self.read_until and max(self.read_until, created)
        if since is None or since >= kept_from or (not reply["Records"] and reply.get("MillisBehindLatest")):
            return None
        first = arrival(reply["Records"][0]) if reply["Records"] else None
        if first and first < kept_from:
            return None
        return Gap(self.shard_id, "expired", since, first, self.position.after)

    def gone(self) -> Gap:
        """Return the gap of a shard that the stream lists no more."""
        return Gap(self.shard_id, "shard_gone", self.read_until, None, self.position.after)

    def end(self) -> None:
        """Note that all of it has been read."""
        self.position, self.iterator = ENDED, None


def arrival(record: "RecordTypeDef") -> datetime:
    """Return when the stream took a record (UTC)."""
    return record["ApproximateArrivalTimestamp"].astimezone(UTC)


def _before(records: "list[RecordTypeDef]", end: datetime | None) -> "list[RecordTypeDef]":
    if end is None:
        return records
    beyond = next((place for place, each in enumerate(records) if arrival(each) >= end), len(records))
    return records[:beyond]
