import re
from datetime import date
from decimal import Decimal

import pytest

from pricing.listing import Listing
from pricing.normalise import identifier, normalise, number_or_range
from pricing.refusal import InvalidRecord

SCRAPED = {
    "address": "Rua Juruna, 110 ",
    "adm-fees": "",
    "garage-places": "2-3",
    "price": "550000.0",
    "rooms": "--",
    "square-foot": "45-66",
    "neighborhood": " Pindorama",
    "city": " Belo Horizonte ",
    "latitude": "-19.9129822",
    "longitude": "-44.0199442",
}


def test_scraped_spelling_becomes_a_canonical_listing():
    assert normalise(SCRAPED, "L-4") == Listing(
        listing_id="L-4",
        neighborhood="Pindorama",
        city="Belo Horizonte",
        address="Rua Juruna, 110",
        area_m2=55.5,
        rooms=None,
        garage_places=3,
        adm_fees=None,
        latitude=-19.9129822,
        longitude=-44.0199442,
    )


def test_the_canonical_form_passes_unchanged():
    canonical = {"listing_id": "A-1", "neighborhood": "Sion", "area_m2": 80.5, "rooms": 3, "latitude": -19.9}
    assert normalise(canonical, "L-1") == Listing(
        listing_id="A-1", neighborhood="Sion", area_m2=80.5, rooms=3, latitude=-19.9
    )


def test_a_canonical_name_wins_over_a_scraped_one():
    row = {"area_m2": 80, "square-foot": "99", "neighborhood": "Sion"}
    assert normalise(row, "L-1").area_m2 == 80
    assert normalise(dict(reversed(row.items())), "L-1").area_m2 == 80


def test_a_missing_value_of_a_table_is_unknown():
    row = {"area_m2": 80.0, "rooms": float("nan"), "neighborhood": "Sion", "address": float("nan")}
    assert normalise(row, "L-1") == Listing(listing_id="L-1", neighborhood="Sion", area_m2=80.0)


@pytest.mark.parametrize("value", [17, 17.0, Decimal(17), Decimal("17.00"), "17"])
def test_an_identifier_may_be_a_whole_number_in_a_table(value):
    assert identifier(value) == "17"
    assert normalise({"listing_id": value, "area_m2": 80, "neighborhood": "Sion"}, "L-1").listing_id == "17"


@pytest.mark.parametrize("value", [2**53, -(2**53), 10**30])
def test_a_large_identifier_keeps_its_digits_where_a_table_holds_them_all(value):
    assert identifier(value) == str(value)
    assert identifier(float(value)) == (str(value) if abs(value) <= 2**53 else float(value))


@pytest.mark.parametrize(
    "value", [1.5, Decimal("1.5"), True, float("inf"), Decimal("Infinity"), Decimal("NaN"), [17], None]
)
def test_what_is_no_whole_number_is_no_identifier(value):
    assert identifier(value) is value


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3", 3),
        (" 3.5 ", 3.5),
        ("2-3", 2.5),
        ("45 - 65", 55),
        ("-19.9", -19.9),
        ("1e2", 100),
        ("--", None),
        ("nan", None),
        (" N/A ", None),
        ("", None),
    ],
)
def test_numbers_ranges_and_the_unknown_are_told_apart(text, number):
    assert number_or_range(text) == number


@pytest.mark.parametrize("text", ["inf", "3-", "1-2-3", "12 m²", "0x10", "٣", "1_000", "-3--1"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(ValueError, match=re.escape(text)):
        number_or_range(text)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"square-foot": "-3"}, "area_m2: expected a number > 0, got -3"),
        ({"square-foot": "0"}, "area_m2: expected a number > 0, got 0"),
        ({"square-foot": "big"}, 'area_m2: expected a number, got "big"'),
        ({"square-foot": "--"}, "area_m2: required, but missing"),
        ({"rooms": "3.5"}, "rooms: expected a whole number, got 3.5"),
        ({"rooms": True}, "rooms: expected a number or null, got true"),
        ({"neighborhood": " "}, "neighborhood: required, but missing"),
        ({"latitude": "north"}, 'latitude: expected a number, got "north"'),
        ({"neighborhood": "None"}, "neighborhood: required, but missing"),
        ({"neighborhood": date(2026, 11, 24)}, 'neighborhood: expected text, got "2026-11-24"'),
        ({"adm-fees": float("inf")}, "adm_fees: expected a number <= 10000000, got Infinity"),
    ],
)
def test_a_wrong_row_is_refused_by_field_and_value(changes, error):
    with pytest.raises(InvalidRecord) as caught:
        normalise({**SCRAPED, **changes}, "L-1")
    assert (caught.value.reason, str(caught.value)) == ("invalid_listing", error)
