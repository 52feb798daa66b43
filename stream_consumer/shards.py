"""All shards of a stream, read in turn: parents before children, and again after whatever went wrong."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from msgspec import Struct

from lambdas.aws.errors import code
from lambdas.aws.kinesis_calls import EXPIRED_ITERATOR, CallFailed, KinesisCalls, Retries
from stream_consumer.gaps import Gap
from stream_consumer.positions import ENDED, HORIZON, ShardPosition
from stream_consumer.shard import Shard
from stream_consumer.worker import Worker, reads
from terminal.errors import UsageFailure

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_kinesis.type_defs import GetRecordsOutputTypeDef, RecordTypeDef

_TOLD_IN = timedelta(seconds=1)  # the service tells its time in whole seconds
_DESCRIBED_FOR = 60.0  # seconds: how old the stream's retention may be when it matters


class Reading(Struct, frozen=True):
    """What one read of a shard gave, and how all of them stand.

    `caught_up` where every shard, when last read, had nothing more (or nothing more before the end that was asked for);
    `behind` where one of them has more to give, or did not answer, or was not asked yet. `began` is where the read
    began.
    """

    shard_id: str
    records: "list[RecordTypeDef]"
    caught_up: bool
    behind: bool
    began: ShardPosition


class Shards:
    """The shards of a stream, and how far each has been read.

    `start` is where reading begins; `known` are places where an earlier reader stopped, which win. Shards
    that come into being later are read from their beginning, after all that their parents hold. `on_gap` is told what
    the stream no longer has of what should have been read; reading goes on at the oldest record.
    """

    def __init__(
        self,
        kinesis: "KinesisClient",
        stream: str,
        start: ShardPosition,
        known: Mapping[str, ShardPosition],
        *,
        shards: Worker | Collection[str] | None = None,
        on_gap: Callable[[Gap], object] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._calls = KinesisCalls(kinesis, clock=clock, sleep=sleep)
        self._stream = stream
        self._chosen = shards
        self._on_gap = on_gap
        self._clock = clock
        self._sleep = sleep
        self._retries = Retries()
        self._changed = False  # a shard has ended or gone, and others may have come
        self._end: datetime | None = None
        self._shards: dict[str, Shard] = {}
        self._seen = set(known)  # shards, ever
        self._describe()
        self._begin(start, known)

    def now(self) -> datetime:
        """Return the service's time (UTC), up to a second slow."""
        return self._calls.now()

    def positions(self) -> dict[str, ShardPosition]:
        """Return the place where each shard of the stream is to be read next."""
        return {shard_id: shard.position.opened() for shard_id, shard in self._shards.items()}

    def rewind(self, shard_id: str, position: ShardPosition) -> None:
        """Read a shard again from an earlier place."""
        shard = self._shards[shard_id]
        shard.position, shard.iterator = position, None
        shard.caught_up = shard.at_end = False

    def lag(self) -> timedelta:
        """Return how far back, on the service's clock, the shard stands that is furthest behind."""
        known = [each.position.read_until for each in self._shards.values() if not each.position.ended]
        return max((self.now() - each for each in known if each), default=timedelta())

    def readings(self, *, until: datetime | None = None, to_end: bool = False) -> Iterator[Reading]:
        """Yield what the shards give, in turn, waiting where there is nothing; ends where no shard is open.

        `until`: what arrives then or later is left for the next call; `to_end` means until now. Whatever passes is
        waited for: throttling, faults of the service, broken connections, expired iterators; what goes on failing for
        five minutes is raised.
        """
        if to_end:
            self._describe()
            until = self.now() + _TOLD_IN
        self._end = until
        for shard in self._shards.values():
            shard.at_end = False
        while True:
            all_known = not self._changed or self._look_again()
            shards = self._open()
            if shards:
                shard = min(shards, key=lambda each: (each.at_end, each.due))
                self._sleep(max(0.0, shard.due - self._clock()))
                yield self._read(shard)
            elif all_known:
                return

    def _open(self) -> list[Shard]:
        shards = self._shards.values()
        return [each for each in shards if not each.position.ended and all(map(self._is_done, each.parents))]

    def _is_done(self, shard_id: str) -> bool:
        shard = self._shards.get(shard_id)
        return shard is None or shard.position.ended  # a parent that is listed no more has expired

    def _read(self, shard: Shard) -> Reading:
        began = shard.position
        reply = self._ask(shard)
        records = []
        if reply is not None:
            self._look_for_gap(shard, reply)
            records = shard.take(reply, self._clock(), self.now(), self._end)
            if shard.seems_ended:
                self._close(shard, reply)
        shards = self._open()
        caught_up = all(each.at_end if self._end else each.caught_up for each in shards)
        behind = self._changed or any(each.behind for each in shards)
        return Reading(shard.shard_id, records, caught_up and not self._changed, behind, began)

    def _ask(self, shard: Shard) -> "GetRecordsOutputTypeDef | None":
        """Return a shard's answer, None where there was none yet; raises what cannot pass, or has not for long."""
        try:
            return shard.ask(self._calls, self._stream)
        except CallFailed as error:
            shard.failed(self._clock(), self._calls.pause(shard.retries, error))
        except ClientError as error:
            shard.failed(self._clock(), self._pause(shard, error))
        return None

    def _pause(self, shard: Shard, error: ClientError) -> float:
        what = code(error)
        if what == EXPIRED_ITERATOR:
            shard.iterator = None
        if what == "InvalidArgumentException" and shard.position.after is not None:
            self._on_gap(Gap(shard.shard_id, "moved", shard.read_until, None, shard.position.after))
            shard.position, shard.iterator = HORIZON, None
            return 0.0
        if what == "ResourceNotFoundException":  # its last record has expired, or the stream is gone: the list tells
            shard.missing = self._changed = True
            return self._calls.pause(shard.retries, error, passes=True)
        return self._calls.pause(shard.retries, error)

    def _close(self, shard: Shard, reply: "GetRecordsOutputTypeDef") -> None:
        """End a shard whose children came, or that was known to be closed before it gave this answer.

        One that was not may have slipped: it is asked again, and looked for in the list.
        """
        self._changed = True
        for child in reply.get("ChildShards") or ():
            self._add(child, self._beginning(), child["ParentShards"])
        if reply.get("ChildShards") or shard.closed:
            shard.end()

    def _look_for_gap(self, shard: Shard, reply: "GetRecordsOutputTypeDef") -> None:
        if shard.gap_before(reply, self.now() - self._retention, self._created) is None:
            return
        if self._clock() - self._described_at > _DESCRIBED_FOR:
            self._describe()
        gap = shard.gap_before(reply, self.now() - self._retention, self._created)
        if gap is not None:
            self._on_gap(gap)

    def _describe(self) -> None:
        summary = self._calls.patiently("describe_stream_summary", StreamName=self._stream)["StreamDescriptionSummary"]
        self._described_at = self._clock()
        self._retention = timedelta(hours=summary.get("RetentionPeriodHours", 24))
        self._created = summary["StreamCreationTimestamp"].astimezone(UTC)

    def _begin(self, start: ShardPosition, known: Mapping[str, ShardPosition]) -> None:
        while (listed := self._list_or_wait()) is None:
            pass
        named = set() if self._chosen is None or isinstance(self._chosen, Worker) else set(self._chosen)
        if unknown := named - set(listed):
            raise UsageFailure(f"no shard {', '.join(sorted(unknown))}: the stream has {', '.join(sorted(listed))}")
        self._find(listed, self._beginning(known.values()) if known else start.since(self.now()), known)
        for shard_id, position in known.items():
            if shard_id not in listed and not position.ended:
                self._on_gap(Shard(shard_id, frozenset(), position).gone())

    def _look_again(self) -> bool:
        """Take in the shards that have come; return whether the stream said which there are."""
        listed = self._list_or_wait()
        if listed is None:
            return False
        self._changed = False
        self._find(listed, self._beginning(), {})
        return True

    def _find(self, listed: Mapping[str, Any], start: ShardPosition, known: Mapping[str, ShardPosition]) -> None:
        for shard_id, each in listed.items():
            place = ENDED if start.newest and _is_closed(each) else start
            parents = [each[name] for name in ("ParentShardId", "AdjacentParentShardId") if each.get(name)]
            self._add(each, known.get(shard_id, place), parents)
        self._look_for_unseen(listed, self._since(known.values()))
        for shard_id, shard in self._shards.items():
            shard.closed = shard.closed or (shard_id in listed and _is_closed(listed[shard_id]))
            if shard_id not in listed and shard.missing:
                self._on_gap(shard.gone())
                shard.end()
            shard.missing = False

    def _since(self, known: Iterable[ShardPosition] = ()) -> datetime | None:
        """Return up to when every shard has been read, as far as that is known: what came later is news."""
        positions = [*known, *(each.position for each in self._shards.values())]
        return min((until for each in positions if (until := each.read_until or each.at)), default=None)

    def _beginning(self, known: Iterable[ShardPosition] = ()) -> ShardPosition:
        """Return the place to read a new shard from: all of it, of which nothing has been read."""
        return ShardPosition(read_until=self._since(known))

    def _look_for_unseen(self, listed: Mapping[str, Any], since: datetime | None) -> None:
        """Tell of shards that came and went while nobody looked: parents that are neither listed nor known."""
        self._seen |= listed.keys()
        if since is None or since >= self.now() - self._retention:
            return  # a closed shard is listed for as long as the stream keeps records
        for parent in sorted({parent for shard in self._shards.values() for parent in shard.parents} - self._seen):
            self._seen.add(parent)
            self._on_gap(Gap(parent, "shard_gone", since))

    def _add(self, listed: Any, position: ShardPosition, parents: list[str]) -> None:  # noqa: ANN401 - boto3's
        keys = listed.get("HashKeyRange", {"StartingHashKey": "0", "EndingHashKey": "0"})
        first, last = int(keys["StartingHashKey"]), int(keys["EndingHashKey"])
        ours = reads(self._chosen, listed["ShardId"], first, last)
        if ours and listed["ShardId"] not in self._shards:
            self._shards[listed["ShardId"]] = Shard(listed["ShardId"], frozenset(parents), position)

    def _list_or_wait(self) -> dict[str, Any] | None:
        """Return the shards that the stream has now, by id; None, after a while, where it did not say."""
        try:
            listed = self._list()
        except (ClientError, CallFailed) as error:
            self._sleep(self._calls.pause(self._retries, error))
            return None
        self._retries.succeeded()
        return listed

    def _list(self) -> dict[str, Any]:
        shards: dict[str, Any] = {}
        asked = {"StreamName": self._stream}
        while asked:
            reply = self._calls.once("list_shards", **asked)
            if not reply["Shards"]:  # of a stream that is being made, or by mistake: no stream is without
                raise CallFailed("ListShards", f"{self._stream} has no shards", passes=True)
            shards |= {each["ShardId"]: each for each in reply["Shards"]}
            asked = {"NextToken": reply["NextToken"]} if reply.get("NextToken") else {}
        return shards


def _is_closed(listed: Mapping[str, Any]) -> bool:
    return "EndingSequenceNumber" in listed["SequenceNumberRange"]
