"""Many events in a record, as the Kinesis Producer Library packs them.

Kinesis orders what shares a partition key, and an aggregated record has only one. So the listings are dealt
out to a fixed number of groups by their keys, and the group's name is the partition key of every record it
fills: the events of a listing always lie in one shard and in their order. (Listings published both packed
and unpacked at a time may lie in two.) What is larger than a packed record may be goes out unpacked.
"""

from collections.abc import Iterable, Iterator
from zlib import crc32

from pricing.aggregation import join
from stream_producer.records import MAX_RECORD_BYTES, Record, RowPosition

GROUPS = 64  # enough to spread over shards, few enough to fill
MAX_PACKED_BYTES = 50 * 1024  # the library's own limit: AggregationMaxSize, 51,200
_ENTRY_BYTES = 32  # what an entry costs beside its key and data, at most


def aggregated(records: Iterable[Record | None]) -> Iterator[Record | None]:
    """Pack records into aggregated ones; None among them, and their end, empties all groups."""
    groups: dict[int, list[Record]] = {}
    sizes: dict[int, int] = {}
    for record in records:
        if record is None:
            yield from _emptied(groups, sizes)
            yield None
            continue
        group = crc32(record.partition_key.encode()) % GROUPS
        size = record.weight() + _ENTRY_BYTES
        if group in groups and sizes[group] + size > MAX_PACKED_BYTES:
            yield _packed(group, groups.pop(group))
            sizes.pop(group)
        if size > MAX_PACKED_BYTES:
            yield _alone(group, record)
            continue
        groups.setdefault(group, []).append(record)
        sizes[group] = sizes.get(group, 0) + size
    yield from _emptied(groups, sizes)


def _emptied(groups: dict[int, list[Record]], sizes: dict[int, int]) -> Iterator[Record]:
    for group, records in groups.items():
        yield _packed(group, records)
    groups.clear()
    sizes.clear()


def _alone(group: int, record: Record) -> Record:
    """Return a record that is too large to be packed, as it is, under the key of its listing's group."""
    key = _key(group)
    fits = len(record.data) + len(key) <= MAX_RECORD_BYTES
    return Record(key if fits else record.partition_key, record.data, record.positions)


def _packed(group: int, records: list[Record]) -> Record:
    positions: list[RowPosition] = []
    for record in records:
        positions.extend(record.positions)
    data = join((record.partition_key, record.data) for record in records)
    return Record(_key(group), data, tuple(positions))


def _key(group: int) -> str:
    return f"aggregated-{group:02d}"
