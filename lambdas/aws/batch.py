"""A batch of records as the event source mapping hands it over.

Source of the format: AWS Lambda Developer Guide, "Using Lambda to process records from Amazon
Kinesis Data Streams". All records of a batch come from one shard.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct


class Batch(Struct, frozen=True):
    """The records of one invocation, in the order of their shard."""

    shard_id: str
    records: Sequence[dict[str, Any]]

    @classmethod
    def of(cls, event: dict[str, Any]) -> "Batch":
        """Return the batch that an invocation's event carries."""
        records = event["Records"]
        return cls(records[0]["eventID"].partition(":")[0], records)

    def sequence_number(self, position: int) -> str:
        """Return the sequence number of the record at a position."""
        number: str = self.records[position]["kinesis"]["sequenceNumber"]
        return number

    def arrived_at(self, position: int) -> datetime:
        """Return when the stream took the record at a position, in UTC."""
        return datetime.fromtimestamp(self.records[position]["kinesis"]["approximateArrivalTimestamp"], UTC)
