"""Decode and validate: the events of a batch, and what is no event."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from msgspec import Struct
from pybase64 import b64decode

from lambdas.aws.batch import Batch
from pricing.aggregation import MAGIC, DamagedAggregate, split
from pricing.listing import Decode, SubmittedListing, decode
from pricing.prediction import SourcePosition
from pricing.refusal import InvalidRecord, Reason


class Submitted(NamedTuple):
    """The valid listing events of a batch in its order; where each stands on the stream, and in which record it came.

    Three lists side by side: a value for each event would cost more than its decoding.
    """

    events: list[SubmittedListing]
    sources: list[SourcePosition]
    positions: list[int]

    def take(self, rows: Sequence[int]) -> "Submitted":
        """Return some of the events."""
        return Submitted(
            [self.events[row] for row in rows],
            [self.sources[row] for row in rows],
            [self.positions[row] for row in rows],
        )


class Refused(Struct, frozen=True):
    """A payload that will never be priced, where it came from, and why."""

    position: int
    index: int
    partition_key: str
    payload: bytes
    reason: Reason
    error: str


def decode_batch(batch: Batch, decode: Decode = decode) -> tuple[Submitted, list[Refused]]:
    """Return the batch's events, and what is no event; together they are the whole batch.

    `decode`: the champion's, whose market may have columns beyond those of every listing.
    """
    submitted = Submitted([], [], [])
    events, sources, positions = submitted
    refused: list[Refused] = []
    for position, source, partition_key, payload in payloads(batch):
        try:
            events.append(decode(payload))
        except InvalidRecord as error:
            refused.append(Refused(position, source.index, partition_key, payload, error.reason, str(error)))
        else:
            sources.append(source)
            positions.append(position)
    return submitted, refused


def payloads(batch: Batch) -> Iterator[tuple[int, SourcePosition, str, bytes]]:
    """Yield what the records of a batch carry, with their positions and partition keys.

    An aggregated record carries many; one that is damaged, or has nothing in it, is a payload itself.
    """
    shard_id = batch.shard_id
    for position, record in enumerate(batch.records):
        kinesis = record["kinesis"]
        number, own_key = kinesis["sequenceNumber"], kinesis["partitionKey"]
        data = b64decode(kinesis["data"], validate=True)
        if data.startswith(MAGIC):
            for index, (key, payload) in enumerate(_members(data) or [(own_key, data)]):
                yield position, SourcePosition(shard_id, number, index), key or own_key, payload
        else:
            yield position, SourcePosition(shard_id, number, 0), own_key, data


def _members(data: bytes) -> list[tuple[str, bytes]] | None:
    with suppress(DamagedAggregate):
        return split(data)
    return None
