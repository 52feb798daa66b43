"""All shards of a stream, read in turn: parents before children, and again after whatever went wrong."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from msgspec import Struct, field

from lambdas.aws.errors import code
from stream_consumer.positions import ENDED, HORIZON, ShardPosition
from stream_consumer.retries import EXPIRED_ITERATOR, Retries

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_kinesis.type_defs import GetRecordsOutputTypeDef, RecordTypeDef

SECONDS_BETWEEN_READS = 0.2  # Kinesis takes five GetRecords a second for a shard


class Reading(Struct, frozen=True):
    """What one read of a shard gave, and how all of them stand.

    `caught_up` where every shard, when last read, had nothing more; `behind` where one of them has more to give, or
    did not answer, or was not asked yet.
    """

    shard_id: str
    records: "list[RecordTypeDef]"
    caught_up: bool
    behind: bool


class _Shard(Struct):
    """A shard, and how far it has been read."""

    parents: frozenset[str]
    position: ShardPosition
    iterator: str | None = None
    due: float = 0.0
    caught_up: bool = False
    behind: bool = True
    missing: bool = False
    retries: Retries = field(default_factory=Retries)


class Shards:
    """The shards of a stream, and how far each has been read.

    `start` is where reading begins; `known` are places where an earlier reader stopped, which win. Shards
    that come into being later are read from their beginning, after all that their parents hold.
    """

    def __init__(
        self,
        kinesis: "KinesisClient",
        stream: str,
        start: ShardPosition,
        known: Mapping[str, ShardPosition],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._kinesis = kinesis
        self._stream = stream
        self._clock = clock
        self._sleep = sleep
        self._retries = Retries()
        self._changed = False  # a shard has ended or gone, and others may have come
        self._shards: dict[str, _Shard] = {}
        self._find(HORIZON if known else start, known)

    def positions(self) -> dict[str, ShardPosition]:
        """Return the place where each shard of the stream is to be read next."""
        return {shard_id: shard.position.opened() for shard_id, shard in self._shards.items()}

    def rewind(self, shard_id: str, position: ShardPosition) -> None:
        """Read a shard again from an earlier place."""
        self._shards[shard_id].position = position
        self._shards[shard_id].iterator = None

    def readings(self) -> Iterator[Reading]:
        """Yield what the shards give, in turn, waiting where there is nothing; ends where no shard is open.

        Throttling, faults of the service, broken connections and expired iterators are dealt with; what goes
        on failing for five minutes is raised.
        """
        while True:
            all_known = not self._changed or self._look_again()
            open_shards = self._open()
            if not open_shards:
                if all_known:
                    return
                continue
            shard_id = min(open_shards, key=lambda each: self._shards[each].due)
            self._sleep(max(0.0, self._shards[shard_id].due - self._clock()))
            yield self._read(shard_id, self._shards[shard_id])

    def _open(self) -> list[str]:
        return [
            shard_id
            for shard_id, shard in self._shards.items()
            if not shard.position.ended and all(self._is_done(parent) for parent in shard.parents)
        ]

    def _is_done(self, shard_id: str) -> bool:
        shard = self._shards.get(shard_id)
        return shard is None or shard.position.ended  # a parent that is listed no more has expired

    def _read(self, shard_id: str, shard: _Shard) -> Reading:
        shard.due = self._clock() + SECONDS_BETWEEN_READS
        reply = self._reply(shard_id, shard)
        if reply is None:
            shard.caught_up, shard.behind = False, True
            return self._reading(shard_id, [])
        records = reply["Records"]
        shard.iterator = reply.get("NextShardIterator")
        shard.behind = bool(reply.get("MillisBehindLatest"))
        shard.caught_up = not records and not shard.behind
        if records:
            shard.position = ShardPosition(after=records[-1]["SequenceNumber"])
        if not shard.iterator:
            shard.position = ENDED
            self._changed = True
            for child in reply.get("ChildShards") or ():
                self._add(child["ShardId"], frozenset(child["ParentShards"]), HORIZON)
        return self._reading(shard_id, records)

    def _reading(self, shard_id: str, records: "list[RecordTypeDef]") -> Reading:
        shards = [self._shards[each] for each in self._open()]
        caught_up = not self._changed and all(shard.caught_up for shard in shards)
        behind = self._changed or any(shard.behind for shard in shards)
        return Reading(shard_id, records, caught_up, behind)

    def _reply(self, shard_id: str, shard: _Shard) -> "GetRecordsOutputTypeDef | None":
        try:
            if shard.iterator is None:
                place = shard.position.request()
                answer = self._kinesis.get_shard_iterator(StreamName=self._stream, ShardId=shard_id, **place)
                shard.iterator = answer["ShardIterator"]
                shard.position = shard.position.opened()
            reply = self._kinesis.get_records(ShardIterator=shard.iterator)
        except (ClientError, BotoCoreError) as error:
            if code(error) == EXPIRED_ITERATOR:
                shard.iterator = None
            if code(error) == "ResourceNotFoundException" and not shard.missing:
                shard.missing = self._changed = True  # its last record has expired, or the stream is gone
                return None
            shard.due = self._clock() + shard.retries.wait(error, self._clock())
            return None
        shard.retries.succeeded()
        return reply

    def _look_again(self) -> bool:
        """Take in the shards that have come; return whether the stream said which there are."""
        try:
            self._find(HORIZON, {})
        except (ClientError, BotoCoreError) as error:
            self._sleep(self._retries.wait(error, self._clock()))
            return False
        self._retries.succeeded()
        self._changed = False
        return True

    def _find(self, start: ShardPosition, known: Mapping[str, ShardPosition]) -> None:
        listed = self._listed()
        for shard_id, (parents, closed) in listed.items():
            place = ENDED if start.newest and closed else start
            self._add(shard_id, parents, known.get(shard_id, place))
        for shard_id, shard in self._shards.items():
            if shard.missing and shard_id not in listed:
                shard.position = ENDED

    def _add(self, shard_id: str, parents: frozenset[str], position: ShardPosition) -> None:
        if shard_id not in self._shards:
            self._shards[shard_id] = _Shard(parents, position)

    def _listed(self) -> dict[str, tuple[frozenset[str], bool]]:
        """Return the shards that the stream has now: their parents, and whether they are closed."""
        reply = self._kinesis.list_shards(StreamName=self._stream)
        shards = reply["Shards"]
        while token := reply.get("NextToken"):
            reply = self._kinesis.list_shards(NextToken=token)
            shards += reply["Shards"]
        listed = {}
        for shard in shards:
            parents = (shard.get("ParentShardId"), shard.get("AdjacentParentShardId"))
            closed = "EndingSequenceNumber" in shard["SequenceNumberRange"]
            listed[shard["ShardId"]] = (frozenset(parent for parent in parents if parent), closed)
        return listed
