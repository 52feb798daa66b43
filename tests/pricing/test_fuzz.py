"""Whatever bytes stand on the stream or in a file, only the declared errors come out."""

import json
import string

from hypothesis import given
from hypothesis import strategies as st

from pricing.listing import Listing, decode, encode
from pricing.normalise import normalise
from pricing.refusal import InvalidRecord
from tests.events import event, payload

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
            st.binary(max_size=6)
            | st.sampled_from([b'"', b"{", b"\\ud800", b"1e999", b"NaN", b"\xff", b"null"])
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
