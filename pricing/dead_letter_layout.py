"""Where dead letters and parked batches stand in their bucket, and what a line of them holds."""

from datetime import datetime

from msgspec import Struct

DEAD_LETTERS = "dead-letters"
# Lambda's own: docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
# aws/lambda/<mapping>/<shard>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<random>, with the whole event as `payload`
PARKED = "aws/lambda"


class DeadLetter(Struct, frozen=True):
    """A record that will never be priced, kept whole: one line of an object.

    `index` is its place in an aggregated record, 0 in any other; its stream position is shard, sequence number and
    index together.
    """

    reason: str
    error: str
    payload: str  # base64
    shard_id: str
    sequence_number: str
    index: int
    partition_key: str
    arrived_at: str  # ISO 8601, UTC


class DeadLetterPosition(Struct, frozen=True):
    """What tells a dead letter from every other, and when its record arrived (UTC): all that counting them needs."""

    shard_id: str
    sequence_number: str
    index: int
    arrived_at: datetime


def dead_letters_key(arrived_at: datetime, shard_id: str, sequence_number: str) -> str:
    """Return the key of a batch's dead letters, the same for every replay of it.

    `arrived_at` (UTC), shard and sequence number are those of the batch's first record.
    """
    return f"{DEAD_LETTERS}/dt={arrived_at:%Y-%m-%d}/{shard_id}-{sequence_number}.ndjson.gz"
