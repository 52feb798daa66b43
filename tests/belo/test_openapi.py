"""docs/openapi.json is what the code makes, is OpenAPI, and agrees with what the service takes and says."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from belo.openapi import PAGE, document, examples_of, text
from belo.openapi_words import FIELDS, KINDS
from lambdas.asking.reply import Problem
from pricing.answer.answer import Answer
from pricing.normalise import normalise
from pricing.refusal import InvalidRecord
from tests.fuzz import SCRAPED

WRITTEN = PAGE.read_text()
DESCRIBED = json.loads(WRITTEN)
HOME = {"neighborhood": "Sion", "area_m2": 80}
NAMES = ("area_m2", "rooms", "garage_places", "adm_fees", "latitude", "longitude", "listing_id", "neighborhood", "city")
TEXTS = [
    "NaN",
    "Sem Informação",
    "não informado",
    "\u2003",
    "0",
    "-0.5",
    "+7.",
    ".5",
    "0.000",
    "1000.0",
    "1001",
    "90.1",
]
TEXTS += [
    "180",
    "180.5",
    "100000",
    "100001",
    "10000000",
    "2.5",
    "0-1",
    "0-0",
    "1.5-2.5",
    "2 -\t3",
    "2\n-\v3",
    "00-0",
    f"{1:015}-2",
    f"{1:016}-2",
    "-1-2",
    "x" * 257,
]
TEXTS += [" " * 300 + "x", "1 2", "1,5", "unknowable", "N/A ", "٣", "3\n", "x" * 256]
NUMBERS = [
    0,
    -0.0,
    1,
    2.5,
    1000,
    1000.5,
    -1,
    90,
    -90.5,
    180,
    -181,
    100_000,
    100_001,
    10_000_001,
    5e-324,
    10**20,
    10**400,
]


def valid(name):
    return Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": DESCRIBED["components"]}
    ).is_valid


VALID = valid("Listing")


def taken(row) -> bool:
    try:
        normalise(row, "L-1")
    except InvalidRecord:
        return False
    return True


def test_the_committed_file_is_what_the_code_makes():
    made = text(document(examples_of(DESCRIBED)))
    assert made == WRITTEN, "python -m belo.openapi"


def test_it_is_a_valid_openapi_document():
    validate(DESCRIBED)


def test_every_field_of_a_reply_has_words_and_no_words_are_left_over():
    (_, kinds) = msgspec.json.schema_components([Answer, Problem])
    assert set(kinds) == set(KINDS)
    assert {f"{kind}.{name}" for kind, each in kinds.items() for name in each["properties"]} == set(FIELDS)


def test_the_example_is_a_home_in_both_spellings_and_an_answer_with_reasons():
    examples = examples_of(DESCRIBED)
    assert VALID(examples["canonical"])
    assert VALID(examples["scraped"])
    assert normalise(examples["canonical"], "L-1") == normalise(examples["scraped"], "L-1")
    assert valid("Answer")(examples["explained"])
    assert {"against_city", "against_neighborhood", "comparables"} <= set(examples["explained"])


@pytest.mark.parametrize("name", NAMES)
def test_a_value_is_described_as_right_exactly_where_the_service_takes_it(name):
    beyond = {"1e5", *([10**400] if name == "listing_id" else [])}  # `openapi_listing` says so
    values = [each for each in (*TEXTS, *NUMBERS, *SCRAPED, True, None) if each not in beyond]
    values += [[], {}]
    wrong = [value for value in values if VALID(HOME | {name: value}) != taken(HOME | {name: value})]
    assert wrong == []


@pytest.mark.parametrize(("scraped", "field"), [("square-foot", "area_m2"), ("garage-places", "garage_places")])
def test_a_scraped_spelling_is_described_as_read_where_the_canonical_one_is_absent(scraped, field):
    rest = {"neighborhood": "Sion", "area_m2": 80}
    rest.pop(field, None)
    for value in (*TEXTS, *NUMBERS, None, True):
        for row in (rest | {scraped: value}, rest | {scraped: value, field: 3}, rest | {scraped: 3, field: value}):
            assert VALID(row) == taken(row), row


@given(st.sampled_from(NAMES), st.text(max_size=20) | st.from_regex(r"[0-9.+ -]{1,6}", fullmatch=True))
def test_texts_are_described_as_they_are_taken(name, value):
    row = HOME | {name: value}
    assert VALID(row) == taken(row) or undescribed(name, value)


def undescribed(name, text) -> bool:
    """What the service takes, and `openapi_listing` says that it does not describe."""
    first, *others = text.split("-")
    return "e" in text.lower() or bool(
        others and not (first.strip() and all(taken(HOME | {name: end}) for end in (first, *others)))
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"currency": None},
        {"currency": "reais"},
        {"interval": {"low": 1.0, "high": 2.0}},
        {"predicted_price": "1"},
        {"warnings": ["alarming"]},
        {"confidence": "F"},
    ],
)
def test_an_answer_that_is_not_one_is_not_described(wrong):
    assert not valid("Answer")(examples_of(DESCRIBED)["explained"] | wrong)
