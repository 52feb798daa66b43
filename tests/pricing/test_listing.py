import json
from datetime import UTC, datetime

import msgspec
import pytest

from pricing.listing import Features, Listing, ListingEvent, decode, encode, features
from pricing.refusal import InvalidRecord, refusal
from tests.events import event, payload


def refused(data: bytes) -> tuple[str, str]:
    with pytest.raises(InvalidRecord) as caught:
        decode(data)
    return caught.value.reason, str(caught.value)


def test_an_event_survives_a_round_trip():
    first = decode(payload("L-7", neighborhood="Santa Efigênia"))
    assert decode(encode(first)) == first
    assert first.data.neighborhood == "Santa Efigênia"


def test_only_three_fields_of_a_listing_are_required():
    bare = {"listing_id": "L-1", "neighborhood": "Buritis", "area_m2": 80}
    assert decode(json.dumps({**event(), "data": bare}).encode()).data == Listing(**bare)


@pytest.mark.parametrize("field", ["city", "address", "rooms", "garage_places", "adm_fees", "latitude"])
def test_an_unknown_value_may_be_null(field):
    document = event()
    document["data"][field] = None
    assert getattr(decode(json.dumps(document).encode()).data, field) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"rooms": 3.0},
        {"rooms": 12},
        {"rooms": 1000},
        {"area_m2": 100_000},
        {"area_m2": 0.001},
        {"neighborhood": "a place that nobody has seen"},
        {"adm_fees": 0},
        {"unheard_of": {"deeply": ["nested"]}},
        {"listing_id": "x" * 256},
        {"address": "x" * 10_000},
    ],
)
def test_unusual_but_valid_listings_are_taken(changes):
    listing = event(**changes)["data"]
    assert decode(json.dumps({**event(), "data": listing}).encode()).data.area_m2 == listing["area_m2"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"area_m2": -3}, "area_m2: expected a number > 0, got -3"),
        ({"area_m2": 0}, "area_m2: expected a number > 0, got 0"),
        ({"area_m2": 10**9}, "area_m2: expected a number <= 100000, got 1000000000"),
        ({"area_m2": "102"}, 'area_m2: expected a number, got "102"'),
        ({"area_m2": True}, "area_m2: expected a number, got true"),
        ({"area_m2": [3]}, "area_m2: expected a number, got a list"),
        ({"rooms": 2.5}, "rooms: expected a whole number, got 2.5"),
        ({"rooms": -1}, "rooms: expected a number >= 0, got -1"),
        ({"rooms": 1001}, "rooms: expected a number <= 1000, got 1001"),
        ({"rooms": "--"}, 'rooms: expected a number or null, got "--"'),
        ({"adm_fees": 10**7 + 1}, "adm_fees: expected a number <= 10000000, got 10000001"),
        ({"latitude": -90.5}, "latitude: expected a number >= -90, got -90.5"),
        ({"longitude": 181}, "longitude: expected a number <= 180, got 181"),
        ({"neighborhood": ""}, 'neighborhood: expected text of 1 to 256 characters, got ""'),
        ({"neighborhood": 40}, "neighborhood: expected text, got 40"),
        ({"address": 40}, "address: expected text or null, got 40"),
        ({"neighborhood": {"name": "Sion"}}, "neighborhood: expected text, got an object"),
        ({"rooms": "três"}, 'rooms: expected a number or null, got "três"'),
        ({"rooms": "x" * 78}, f'rooms: expected a number or null, got "{"x" * 78}"'),
        (
            {"listing_id": "x" * 257},
            f'listing_id: expected text of 1 to 256 characters, got "{"x" * 79}… (259 characters)',
        ),
    ],
)
def test_a_wrong_listing_is_refused_by_field_and_value(changes, error):
    reason, text = refused(json.dumps(event(event_id="e", **changes)).encode())
    assert reason == "invalid_listing"
    assert text == error


@pytest.mark.parametrize("field", ["listing_id", "neighborhood", "area_m2"])
def test_a_missing_field_is_named(field):
    document = event()
    del document["data"][field]
    assert refused(json.dumps(document).encode()) == ("invalid_listing", f"{field}: required, but missing")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"specversion": "0.3"}, 'specversion: expected "1.0", got "0.3"'),
        ({"specversion": 1.0}, 'specversion: expected "1.0", got 1.0'),
        ({"type": "listing.sold"}, 'type: expected "listing.submitted", got "listing.sold"'),
        ({"id": ""}, 'id: expected text of 1 to 256 characters, got ""'),
        ({"source": 5}, "source: expected text, got 5"),
        ({"data": 3}, "data: expected an object, got 3"),
        ({"data": None}, "data: expected an object, got null"),
    ],
)
def test_a_wrong_envelope_is_refused_by_field_and_value(changes, error):
    assert refused(json.dumps({**event(), **changes}).encode()) == ("invalid_event", error)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", "not JSON: Expecting value at 0"),
        (b"not json", "not JSON: Expecting value at 0, near 'not json'"),
        (b"\x00" * 1_000_000, "not JSON: Expecting value at 0"),
        (b"0" * 1_000_000, "not JSON: Extra data at 1"),
        (b'{"specversion": "1.0"', "not JSON: Expecting ',' delimiter at 21"),
        (b"\xff\xfe", "not UTF-8: byte 0xff at 0"),
        (b"[" * 100_000, "nested too deeply"),
        (payload(area_m2=float("nan")), "not JSON: NaN, near"),
        (payload(area_m2=float("inf")), "not JSON: Infinity, near"),
        (payload() + b"{}", "not JSON: Extra data at"),
    ],
)
def test_what_is_not_json_is_refused(data, error):
    reason, text = refused(data)
    assert reason == "invalid_json"
    assert text.startswith(error)


def test_of_what_is_not_json_the_place_is_shown_with_what_stands_around_it():
    data = b'{"specversion": "1.0", "id": oops, "source": "/marketplace", "type": "listing.submitted"}'
    near = 'cversion": "1.0", "id": oops, "source": '
    assert refused(data) == ("invalid_json", f"not JSON: Expecting value at 29, near '{near}'")
    assert refused(b"") == ("invalid_json", "not JSON: Expecting value at 0")


def test_of_several_numbers_that_are_none_the_first_is_shown():
    data = payload(area_m2=float("nan"), longitude=float("nan"))
    reason, text = refused(data)
    assert reason == "invalid_json"
    assert '"area_m2": NaN, "rooms' in text


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"[1, 2, 3]", "event: expected an object, got a list"),
        (b'"text"', 'event: expected an object, got "text"'),
        (b"{}", "specversion: required, but missing"),
    ],
)
def test_json_that_is_no_event_is_refused(data, error):
    assert refused(data) == ("invalid_event", error)


def test_a_number_of_thousands_of_digits_is_refused_and_not_shown_whole():
    data = payload().replace(b"102.0", b"9" * 5_000)
    reason, text = refused(data)
    assert reason == "invalid_listing"
    assert text == f"area_m2: expected a number in range, got {'9' * 80}… (5000 characters)"


def test_what_the_decoder_found_too_deep_is_too_deep_even_if_another_can_read_it():
    found = refusal(b"[[]]", RecursionError())
    assert (found.reason, str(found)) == ("invalid_json", "nested too deeply")


@pytest.mark.parametrize("time", ["1e999", "-1e999", "[1e999]", '{"a": [-1e999]}', "9" * 5_000, "null", '"soon"', "3"])
def test_the_time_of_an_event_is_whatever_its_publisher_says(time):
    data = payload().replace(b'"2026-11-23T12:00:00Z"', time.encode())
    assert decode(data) == decode(payload())


def test_an_event_bears_the_time_that_its_publisher_says():
    read = decode(payload())
    event = ListingEvent(**msgspec.structs.asdict(read), time=datetime(2026, 11, 23, 12, tzinfo=UTC))
    assert json.loads(encode(event))["time"] == "2026-11-23T12:00:00Z"
    assert decode(encode(event)) == read


def test_wrong_utf8_is_seen_even_in_a_field_that_nobody_reads():
    data = payload().replace(b'"rooms"', b'"\xff": "\xff", "rooms"')
    assert refused(data)[0] == "invalid_json"


def test_deep_nesting_is_refused_even_in_a_field_that_nobody_reads():
    data = payload().replace(b'"rooms"', b'"extra": ' + b"[" * 50_000 + b"]" * 50_000 + b', "rooms"')
    assert refused(data) == ("invalid_json", "nested too deeply")


def test_of_a_key_that_stands_twice_no_value_is_blamed():
    data = payload().replace(b'"area_m2": 102.0', b'"area_m2": -3, "area_m2": 102.0')
    assert refused(data) == ("invalid_listing", "area_m2: expected a number > 0")


def test_a_lone_surrogate_is_no_text():
    data = payload().replace(b"L-1", b"\\ud800")
    reason, text = refused(data)
    assert reason == "invalid_json"
    assert text == "not UTF-8: an escape stands for half a character (a lone surrogate)"


def test_half_an_object_is_no_json_even_if_its_first_field_is_wrong():
    assert refused(b'{"specversion": "2.0", ')[0] == "invalid_json"


def test_a_number_too_large_for_a_float_is_shown_as_it_was_written():
    data = payload().replace(b"102.0", b"1e999")
    assert refused(data) == ("invalid_listing", "area_m2: expected a number in range, got 1e999")


def test_of_a_repeated_key_the_last_counts_and_a_wrong_one_is_still_refused():
    data = payload().replace(b'"area_m2": 102.0', b'"area_m2": -1, "area_m2": 102.0')
    assert refused(data)[0] == "invalid_listing"
    hidden = payload()[:-1] + b', "data": {"area_m2": -1}, "data": 3}'
    assert refused(hidden)[0] == "invalid_listing"
    gone = b'{"data": {"area_m2": -1}, "data": {}}'
    assert refused(gone) == ("invalid_listing", "area_m2: expected a number > 0")


def test_a_model_may_read_everything_but_who_and_in_which_city():
    known = {
        "neighborhood": "Buritis",
        "area_m2": 102.0,
        "rooms": 3,
        "garage_places": 2,
        "adm_fees": 450.0,
        "latitude": -19.97,
        "longitude": -43.96,
    }
    home = Listing(listing_id="L", city="Belo Horizonte", address="Rua Pium-I, 12", **known)
    assert features(home) == Features(street="Rua Pium-I", **known)


def test_the_street_is_the_address_before_the_comma():
    def street(address):
        return features(Listing(listing_id="L", neighborhood="N", area_m2=1.0, address=address)).street

    assert street("Rua Pium-I , 12, fundos") == "Rua Pium-I"
    assert street(" , 12") is None
    assert street(None) is None
    assert street("x" * 5_000) == "x" * 256
