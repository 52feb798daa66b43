"""Whatever bytes stand on the stream or in a file, only the declared errors come out."""

import json
import string
import sys
import tracemalloc
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.aggregation import DamagedAggregate, join, split
from pricing.listing import Listing, decode, encode
from pricing.normalise import normalise
from pricing.refusal import InvalidRecord
from tests import fuzz
from tests.events import event, payload
from tests.pricing.test_aggregation import sealed

REASONS = {"invalid_json", "invalid_event", "invalid_listing"}

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(10**300, 10**320),
    st.floats(),
    st.text(max_size=300),
    st.sampled_from(["--", "2-3", "1e999", "-0", "nan", "٣", "\x00", "", " "]),
)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
)
tokens = st.sampled_from([b'"', b"{", b"\\ud800", b"1e999", b"NaN", b"\xff", b"null"])
fields = st.sampled_from([*Listing.__struct_fields__, "square-foot", "garage-places", "adm-fees", "other"])


def only_declared(data: bytes) -> None:
    try:
        accepted = decode(data)
    except InvalidRecord as error:
        assert error.reason in REASONS
        assert 0 < len(str(error)) < 1_000
    else:
        assert decode(encode(accepted)) == accepted


@given(st.binary(max_size=400))
def test_any_bytes(data):
    only_declared(data)


@given(st.data())
def test_a_valid_event_with_bytes_changed_moved_or_cut(data):
    whole = bytearray(payload())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(whole)))
        removed = data.draw(st.integers(0, 12))
        whole[place : place + removed] = data.draw(
            st.binary(max_size=6) | st.sampled_from([b'"', b"{", b"\\ud800", b"1e999", b"NaN", b"\xff", b"null"])
        )
    only_declared(bytes(whole))


@given(st.dictionaries(st.sampled_from(["specversion", "id", "source", "type", "time", "data"]), documents))
def test_an_envelope_with_anything_in_it(changes):
    only_declared(json.dumps({**event(), **changes}).encode())


@given(st.dictionaries(fields, documents))
def test_a_listing_with_anything_in_it(changes):
    document = event()
    document["data"] |= changes
    only_declared(json.dumps(document).encode())


@given(st.dictionaries(fields, scalars | st.text(string.digits + "-. ", max_size=12)))
def test_a_row_with_anything_in_it(row):
    try:
        listing = normalise(row, "L-1")
    except InvalidRecord as error:
        assert error.reason == "invalid_listing"
        assert str(error)
    else:
        assert 0 < listing.area_m2 <= 100_000
        assert listing.neighborhood == listing.neighborhood.strip() != ""


whole = join([("a", payload("L-1")), ("b", payload("L-2")), ("a", b"not json")])[4:-16]


@given(st.data())
def test_an_aggregated_record_with_bytes_changed_moved_or_cut(data):
    body = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(body)))
        removed = data.draw(st.integers(0, 12))
        body[place : place + removed] = data.draw(st.binary(max_size=6) | st.just(bytes(body[place : place + 40])))
    try:
        members = split(sealed(bytes(body)))
    except DamagedAggregate as error:
        assert 0 < len(str(error)) < 1_000
    else:
        assert sum(len(each) for _, each in members) <= len(body)


SIZE = 1 << 16
BOMBS = {
    "records without anything in them": b"\x1a\x00" * (SIZE // 2),
    "empty records of one key": b"\x0a\x00" + b"\x1a\x04\x08\x00\x1a\x00" * (SIZE // 6),
    "empty partition keys": b"\x0a\x00" * (SIZE // 2),
    "one long key for many records": b"\x0a\x80\x02" + b"k" * 256 + b"\x1a\x04\x08\x00\x1a\x00" * 10_000,
    "unknown numbers": b"\x20\x05" * (SIZE // 2),
    "data repeated in one record": b"\x0a\x01a\x1a\x82\x80\x20\x08\x00" + b"\x1a\x01x" * (SIZE // 6),
    "a field longer than memory": b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f" + b"x" * SIZE,
    "numbers without an end": b"\x80" * SIZE,
}


@pytest.mark.parametrize("body", BOMBS.values(), ids=BOMBS)
def test_a_bomb_in_an_aggregated_record_costs_no_more_than_its_size_allows(body):
    data = sealed(body)
    calls = Counter()
    sys.setprofile(lambda _, what, __: calls.update([what]))
    try:
        with suppress(DamagedAggregate):
            split(data)
    finally:
        sys.setprofile(None)
    assert calls["call"] + calls["c_call"] <= 8 * len(data)
    tracemalloc.start()
    try:
        with suppress(DamagedAggregate):
            split(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 128 * len(data)


def test_a_few_thousand_payloads_of_the_long_run():
    assert fuzz.run(3_000, seed=1)["payloads"] == 3_000
