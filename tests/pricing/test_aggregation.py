"""Aggregated records: read to the letter, refused with a reason."""

import json
from contextlib import suppress
from hashlib import md5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.aggregation import MAGIC, DamagedAggregate, join, split
from pricing.listing import decode


def sealed(body: bytes) -> bytes:
    return MAGIC + body + md5(body).digest()


# Written by hand from the format: a key table of "k1" and "k2", an explicit hash key, and two records, the second
# with its explicit hash key's index and a tag.
KNOWN = sealed(
    bytes.fromhex("0a026b31 0a026b32 120131 1a06 0800 1a026869 1a12 0801 1000 1a03 796f75 2207 0a0174 12027676")
)


def test_a_known_record_is_split() -> None:
    assert split(KNOWN) == [("k1", b"hi"), ("k2", b"you")]


def test_joining_writes_the_format_with_each_key_once() -> None:
    expected = sealed(bytes.fromhex("0a026b31 0a026b32 1a06 0800 1a026869 1a07 0801 1a03 796f75 1a05 0800 1a0121"))

    assert join([("k1", b"hi"), ("k2", b"you"), ("k1", b"!")]) == expected


@given(st.lists(st.tuples(st.text(min_size=1, max_size=256), st.binary(max_size=300)), max_size=10))
def test_what_is_joined_is_split_again(records: list[tuple[str, bytes]]) -> None:
    try:
        joined = join(records)
    except UnicodeEncodeError:  # a lone surrogate is no partition key
        return
    assert split(joined) == records


def test_indices_and_lengths_beyond_one_byte_are_written_and_read() -> None:
    records = [(f"key-{number}", bytes(number)) for number in range(300)]

    assert split(join(records)) == records


@pytest.mark.parametrize("data", [b"", b"{}", MAGIC[:3], MAGIC, MAGIC + bytes(15), b"x" + KNOWN])
def test_other_records_are_not_aggregated(data: bytes) -> None:
    assert split(data) is None


def test_an_aggregated_record_may_be_empty() -> None:
    assert split(sealed(b"")) == []


NEITHER = "a record in the aggregated record has no partition key or no data"
TOO_LONG = "a field runs over the end of the aggregated record"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("1a04 0800 1a00", "partition key 0 of 0 in the aggregated record"),
        ("0a0161 1a04 0805 1a00", "partition key 5 of 1 in the aggregated record"),
        ("0a0161 1a02 0800", NEITHER),
        ("0a0161 1a02 1a00", NEITHER),
        ("0a0161 1a0d 08ffffffffffffffffff01 1a00", "partition key 18446744073709551615 of 1 in the aggregated record"),
        ("0a05 6161", TOO_LONG),
        ("0affffffffffffffff7f", TOO_LONG),
        ("0a", "a number does not end in the aggregated record"),
        ("8080808080808080808080", "a number does not end in the aggregated record"),
        ("0a0161 1a03 0800 1a", "a number does not end in the aggregated record"),
        ("0a0161 1a04 0800 1a05", TOO_LONG),
        ("0805", "a number where bytes belong in the aggregated record"),
        ("1805", "a number where bytes belong in the aggregated record"),
        ("0a0161 1a04 0800 1800", "a number where bytes belong in the aggregated record"),
        ("0b", "wire type 3 in the aggregated record"),
        ("0e", "wire type 6 in the aggregated record"),
        ("0a01ff", "a partition key in the aggregated record is not UTF-8"),
        ("0a8102" + 257 * "61", "a partition key of 257 characters in the aggregated record"),
    ],
)
def test_a_damaged_structure_is_refused_with_the_place(body: str, told: str) -> None:
    with pytest.raises(DamagedAggregate, match=f"^{told}$"):
        split(sealed(bytes.fromhex(body)))


def test_unknown_fields_of_every_wire_type_are_skipped() -> None:
    unknown = "2005 2a0178 35 ffffffff 39 ffffffffffffffff"

    assert split(sealed(bytes.fromhex(f"{unknown} 0a0161 {unknown} 1a05 0800 1a0162"))) == [("a", b"b")]


def test_a_partition_key_may_be_as_long_as_kinesis_takes_it():
    assert split(join([("k" * 256, b"x")])) == [("k" * 256, b"x")]


def test_records_too_small_and_too_many_for_events_are_refused_before_they_become_a_flood():
    assert len(split(join([("a", b"")] * 10))) == 10
    with pytest.raises(DamagedAggregate, match=r"^11 records in 69 bytes of the aggregated record$"):
        split(join([("a", b"")] * 11))
    assert len(split(join([("a", b"x" * 58)] * 10_000))) == 10_000  # 64 bytes each with what goes around them
    with pytest.raises(DamagedAggregate, match=r"^10000 records in 630003 bytes of the aggregated record$"):
        split(join([("a", b"x" * 57)] * 10_000))


def test_the_smallest_events_may_be_as_many_as_fit_with_as_many_empty_records_among_them():
    smallest = {"listing_id": "L", "neighborhood": "B", "area_m2": 1}
    event = {"specversion": "1.0", "id": "i", "source": "s", "type": "listing.submitted", "data": smallest}
    payload = json.dumps(event, separators=(",", ":")).encode()
    assert decode(payload)
    assert len(split(join([("a", payload), ("a", b"")] * 5_000))) == 10_000


def test_a_table_may_stand_behind_its_records() -> None:
    assert split(sealed(bytes.fromhex("1a05 0800 1a0162 0a0161"))) == [("a", b"b")]


@pytest.mark.parametrize("place", range(4, len(KNOWN)))
def test_no_flipped_bit_goes_unnoticed(place: int) -> None:
    damaged = bytearray(KNOWN)
    damaged[place] ^= 1

    with pytest.raises(DamagedAggregate, match=r"^the checksum of the aggregated record does not match$"):
        split(bytes(damaged))


@given(st.binary(max_size=200))
def test_no_content_raises_anything_but_damage(body: bytes) -> None:
    with suppress(DamagedAggregate):
        split(sealed(body))
