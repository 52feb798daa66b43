"""One simulated stream with the faults of a real one."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from stream_consumer.testing import Arguments, MemoryStream, Reply
from tests.chaos.clients.clock import EventfulClock
from tests.simulator.client import FakeClient
from tests.simulator.faults import Fault, Faults, RefuseEntries, service_error

LATENCY = 0.01  # seconds a call
SLOW_ANSWER = 5.0  # seconds until a client gives up waiting


@dataclass(frozen=True, slots=True)
class LoseIterator:
    """GetRecords answers without a next iterator, though the shard goes on."""


@dataclass(frozen=True, slots=True)
class ProxyPage:
    """A proxy answers in the service's place: a success, with a page of HTML."""


@dataclass(frozen=True, slots=True)
class ListNoShards:
    """ListShards answers with an empty list."""


@dataclass(frozen=True, slots=True)
class ForgetPlace:
    """GetShardIterator does not know the sequence number."""


@dataclass(frozen=True, slots=True)
class ExpireIterators:
    """Every iterator is too old from this call on."""


class StormyStream(FakeClient, MemoryStream):
    """A `MemoryStream` whose calls take time and fail as a plan has it; its times are in the machine's time zone."""

    service = "kinesis"

    def __init__(
        self,
        clock: EventfulClock,
        name: str,
        shards: int,
        faults: Faults,
        *,
        retention: timedelta = timedelta(hours=24),
        page: int = 10_000,
    ) -> None:
        FakeClient.__init__(self, clock, faults=faults, latency=LATENCY, read_timeout=SLOW_ANSWER)
        self.parents: dict[str, tuple[str, ...]] = {}  # of all shards that ever were
        MemoryStream.__init__(
            self, name, shards, clock=lambda: clock.now().astimezone(), retention=retention, page=page
        )
        self._fault: Fault | None = None
        self.asked: dict[str, int] = {}

    def call(self, operation: str, arguments: Arguments, act: Callable[[], Reply]) -> Reply:
        """Do a call, or what a fault makes of it."""
        self.asked[operation] = self.asked.get(operation, 0) + 1

        def struck(fault: Fault | None) -> Reply:
            self._fault = fault
            if isinstance(fault, ForgetPlace) and "StartingSequenceNumber" in arguments:
                raise service_error(operation, "InvalidArgumentException", 400, "not a sequence number of this stream")
            if isinstance(fault, ExpireIterators):
                self.expire_iterators()
            reply = MemoryStream.call(self, operation, arguments, act)
            return _altered(reply, fault)

        return self._call(operation, self.name, struck)

    def _add(self, first: int, end: int, parents: tuple[str, ...] = ()) -> str:
        shard_id = super()._add(first, end, parents)
        self.parents[shard_id] = parents
        return shard_id

    def describe_stream_summary(self, **arguments: Any) -> Reply:
        """Describe the stream; boto3 gives times in the machine's zone."""
        reply = super().describe_stream_summary(**arguments)
        if "StreamDescriptionSummary" in reply:
            summary = reply["StreamDescriptionSummary"]
            summary["StreamCreationTimestamp"] = summary["StreamCreationTimestamp"].astimezone()
        return reply

    def refusal(self, place: int) -> str | None:
        """Refuse the entries that the fault of this call strikes."""
        fault = self._fault
        if isinstance(fault, RefuseEntries) and place % fault.every == fault.first % fault.every:
            return fault.code
        return None

    def open_shards(self) -> list[str]:
        """Return the shards that take records."""
        return [name for name, shard in self.shards.items() if shard.closed_at is None]


def _altered(reply: Reply, fault: Any) -> Reply:
    if isinstance(fault, ProxyPage):
        return {"ResponseMetadata": reply["ResponseMetadata"]}
    if isinstance(fault, ListNoShards) and "Shards" in reply:
        return reply | {"Shards": []}
    if isinstance(fault, LoseIterator) and "NextShardIterator" in reply:
        with suppress(KeyError):
            del reply["NextShardIterator"]
    return reply
