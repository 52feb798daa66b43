import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.listing import Features
from pricing.model import load
from pricing.places import place_key
from tests.champions import champion, keyed


@pytest.mark.parametrize(
    "written",
    [
        "Santa Amélia",
        unicodedata.normalize("NFD", "Santa Amélia"),
        " santa  amelia ",
        "SANTA AMÉLIA",
        "Santa-Amélia.",
        "Ｓanta Amelia",
    ],
)
def test_accents_case_blanks_and_punctuation_make_no_other_place(written):
    assert place_key(written) == "santa amelia"


@pytest.mark.parametrize(("one", "other"), [("São José", "São João"), ("Vila 1", "Vila 2"), ("Serra", "Serra Verde")])
def test_other_names_stay_other_places(one, other):
    assert place_key(one) != place_key(other)


def test_a_name_without_a_letter_is_no_place():
    assert place_key(" -- ") == place_key("") == ""


@given(st.text(max_size=40))
def test_the_key_of_a_key_is_itself_and_composition_never_matters(name):
    key = place_key(name)
    assert place_key(key) == key
    assert place_key(unicodedata.normalize("NFD", name)) == key


def test_a_model_that_knows_places_by_key_prices_every_spelling_alike():
    tiny = keyed()
    model = load(tiny.model, tiny.manifest)
    spellings = ["Savassi", "savassi", " SAVASSI "]
    assert len(set(model.predict([Features(neighborhood=each, area_m2=60.0) for each in spellings]).price)) == 1


def test_a_model_from_before_keys_reads_names_as_they_were_written():
    tiny = champion()
    model = load(tiny.model, tiny.manifest)
    written, other = model.predict([Features(neighborhood=each, area_m2=60.0) for each in ("Savassi", "savassi")]).price
    assert written != other
