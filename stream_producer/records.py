"""What goes onto a stream, and how much of it Kinesis takes at a time (API reference, PutRecords)."""

from collections.abc import Iterable
from operator import attrgetter
from typing import NamedTuple

from msgspec import Struct

MAX_RECORD_BYTES = 1024 * 1024  # a record, data and partition key


class RowPosition(NamedTuple):
    """Where an event stands in what is published: the pass over the file (from 0) and the line of its row (from 1)."""

    turn: int
    line: int


class Record(Struct, frozen=True, gc=False):
    """A record for a stream, and the positions of the events in it (several where it is aggregated)."""

    partition_key: str
    data: bytes
    positions: tuple[RowPosition, ...] = (RowPosition(0, 0),)

    def weight(self) -> int:
        """Return what the record counts against Kinesis' limits, in bytes."""
        return len(self.data) + len(self.partition_key.encode())


_positions = attrgetter("positions")


def events_in(records: Iterable[Record]) -> int:
    """Return how many events some records carry."""
    return sum(map(len, map(_positions, records)))
