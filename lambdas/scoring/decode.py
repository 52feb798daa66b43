"""Decode and validate: the events of a batch, and what is no event."""

from msgspec import Struct
from pybase64 import b64decode

from lambdas.aws.batch import Batch
from pricing.aggregation import MAGIC, DamagedAggregate, split
from pricing.listing import Decode, SubmittedListing, decode
from pricing.refusal import InvalidRecord, Reason


class Submitted(Struct, frozen=True, gc=False):
    """A valid listing event and where it came from: record `position` of the batch, `index` inside it."""

    position: int
    index: int
    partition_key: str
    payload: bytes
    event: SubmittedListing


class Refused(Struct, frozen=True):
    """A payload that will never be priced, where it came from, and why."""

    position: int
    index: int
    partition_key: str
    payload: bytes
    reason: Reason
    error: str


def decode_batch(batch: Batch, decode: Decode = decode) -> tuple[list[Submitted], list[Refused]]:
    """Return the batch's events, and what is no event; together they are the whole batch.

    `decode`: the champion's, whose market may have columns beyond those of every listing.
    """
    submitted: list[Submitted] = []
    refused: list[Refused] = []
    for position, record in enumerate(batch.records):
        kinesis = record["kinesis"]
        data = b64decode(kinesis["data"], validate=True)
        try:
            for index, (key, payload) in enumerate(_members(kinesis["partitionKey"], data)):
                try:
                    submitted.append(Submitted(position, index, key, payload, decode(payload)))
                except InvalidRecord as error:
                    refused.append(Refused(position, index, key, payload, error.reason, str(error)))
        except DamagedAggregate as error:
            refused.append(Refused(position, 0, kinesis["partitionKey"], data, "invalid_json", str(error)))
    return submitted, refused


def _members(partition_key: str, data: bytes) -> list[tuple[str, bytes]]:
    """Return the partition keys and payloads that a record carries: one, or those of an aggregated record."""
    members = split(data) if data.startswith(MAGIC) else None
    if not members:  # an aggregated record with nothing in it ends as a dead letter, too
        return [(partition_key, data)]
    return [(key or partition_key, payload) for key, payload in members]  # no stream takes an empty key
