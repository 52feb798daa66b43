"""Aggregated records, as the Kinesis Producer Library writes them.

Four bytes of magic, a protobuf message, its MD5 (awslabs/amazon-kinesis-producer, `aggregation-format.md`):

    AggregatedRecord: repeated string partition_key_table = 1, repeated string explicit_hash_key_table = 2,
                      repeated Record records = 3
    Record:           uint64 partition_key_index = 1, uint64 explicit_hash_key_index = 2, bytes data = 3, tags = 4
"""

from collections.abc import Iterable
from hashlib import md5

MAGIC = b"\xf3\x89\x9a\xc2"
_DIGEST_BYTES = 16

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # protobuf wire types
_VARINT_BITS = 63  # of at most ten bytes, before the last
_MAX_KEY = 256  # characters, as for any record: else one long key, named by many, grows without bound
_FEW = 10  # entries, which may be as small as they like
_SMALL = 64  # bytes of an entry, on average: half of what the smallest valid event takes
_KEY_TABLE, _RECORDS = 1, 3
_KEY_INDEX, _DATA = 1, 3


class DamagedAggregate(ValueError):
    """An aggregated record that does not hold what it should; the text says where."""


def split(data: bytes) -> list[tuple[str, bytes]] | None:
    """Return the partition keys and data of the records in an aggregated record, in order.

    None for data that is not aggregated: without the magic, or too short to hold a checksum. Explicit hash
    keys and tags are dropped. Memory and time are bounded by the size of `data`, and so is the number of records.
    Raises `DamagedAggregate`, and nothing else, where the checksum or the structure is wrong, or where there are so
    many records that hardly one can be an event: else a few bytes each would become a flood of dead letters.
    """
    if not data.startswith(MAGIC) or len(data) < len(MAGIC) + _DIGEST_BYTES:
        return None
    body = data[len(MAGIC) : -_DIGEST_BYTES]
    if md5(body, usedforsecurity=False).digest() != data[-_DIGEST_BYTES:]:
        raise DamagedAggregate("the checksum of the aggregated record does not match")
    fields = _fields(body)
    keys = [_text(value) for number, value in fields if number == _KEY_TABLE]
    entries = [_bytes(value) for number, value in fields if number == _RECORDS]
    if len(entries) > max(_FEW, len(body) // _SMALL):
        raise DamagedAggregate(f"{len(entries)} records in {len(body)} bytes of the aggregated record")
    return [_record(entry, keys) for entry in entries]


def join(records: Iterable[tuple[str, bytes]]) -> bytes:
    """Return partition keys and data as one aggregated record."""
    table: dict[str, int] = {}
    entries = []
    for key, data in records:
        index = table.setdefault(key, len(table))
        entry = _tag(_KEY_INDEX, _VARINT) + _varint(index) + _field(_DATA, data)
        entries.append(_field(_RECORDS, entry))
    body = b"".join([*(_field(_KEY_TABLE, key.encode()) for key in table), *entries])
    return MAGIC + body + md5(body, usedforsecurity=False).digest()


def _record(entry: bytes, keys: list[str]) -> tuple[str, bytes]:
    index: int | None = None
    data: bytes | None = None
    for number, value in _fields(entry):
        if number == _KEY_INDEX and isinstance(value, int):
            index = value
        elif number == _DATA:
            data = _bytes(value)
    if index is None or data is None:
        raise DamagedAggregate("a record in the aggregated record has no partition key or no data")
    if index >= len(keys):
        raise DamagedAggregate(f"partition key {index} of {len(keys)} in the aggregated record")
    return keys[index], data


def _fields(body: bytes) -> list[tuple[int, int | bytes]]:
    """Return the numbers and values of a protobuf message's fields: varints as int, everything else as bytes."""
    found: list[tuple[int, int | bytes]] = []
    at = 0
    while at < len(body):
        tag, at = _read_varint(body, at)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == _VARINT:
            value, at = _read_varint(body, at)
            found.append((number, value))
            continue
        if wire_type == _BYTES:
            size, at = _read_varint(body, at)
        elif wire_type in (_FIXED32, _FIXED64):
            size = 4 if wire_type == _FIXED32 else 8
        else:
            raise DamagedAggregate(f"wire type {wire_type} in the aggregated record")
        if size > len(body) - at:
            raise DamagedAggregate("a field runs over the end of the aggregated record")
        found.append((number, body[at : at + size]))
        at += size
    return found


def _read_varint(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    try:
        while (byte := body[at]) >= 0x80 and shift < _VARINT_BITS:
            value |= (byte & 0x7F) << shift
            shift += 7
            at += 1
    except IndexError:
        byte = 0x80
    if byte >= 0x80:
        raise DamagedAggregate("a number does not end in the aggregated record")
    return value | byte << shift, at + 1


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise DamagedAggregate("a number where bytes belong in the aggregated record")
    return value


def _text(value: int | bytes) -> str:
    try:
        text = str(_bytes(value), "utf-8")
    except UnicodeDecodeError:
        raise DamagedAggregate("a partition key in the aggregated record is not UTF-8") from None
    if len(text) > _MAX_KEY:
        raise DamagedAggregate(f"a partition key of {len(text)} characters in the aggregated record")
    return text


def _field(number: int, value: bytes) -> bytes:
    return _tag(number, _BYTES) + _varint(len(value)) + value


def _tag(number: int, wire_type: int) -> bytes:
    return _varint(number << 3 | wire_type)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
