import unicodedata

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.listing import Features
from pricing.manifest import Manifest
from pricing.market import Affixes
from pricing.model import load
from pricing.places import neighborhood_key, place_key
from tests.champions import champion, keyed
from tests.market import MARKET


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


@pytest.mark.parametrize(
    "written",
    [
        "Savassi",
        "Bairro Savassi",
        "BAIRRO SAVASSI",
        "Savassi, Belo Horizonte",
        "savassi - BH",
        "Bairro Savassi, Belo Horizonte/MG",
    ],
)
def test_a_market_s_affixes_make_no_other_neighbourhood(written):
    assert neighborhood_key(MARKET.place_names)(written) == "savassi"


def test_an_affix_alone_and_a_word_that_begins_like_one_stay_what_they_are():
    key = neighborhood_key(MARKET.place_names)
    assert (key("Bairro"), key("Belo Horizonte"), key("Bairrocas")) == ("bairro", "belo horizonte", "bairrocas")
    assert key("Bairro das Indústrias") == "das industrias"
    assert neighborhood_key(Affixes()) is place_key


@given(st.text(max_size=40))
def test_the_key_of_a_neighbourhood_s_key_is_itself(name):
    key = neighborhood_key(MARKET.place_names)
    assert key(key(name)) == key(name)


def test_a_model_of_before_the_affixes_knows_places_as_it_did():
    document = msgspec.json.decode(champion("1", place_names="key").manifest, type=Manifest)
    assert document.names.key("neighborhood")("Bairro Savassi") == "bairro savassi"
    with_market = msgspec.structs.replace(document, market=MARKET)
    assert with_market.names.key("neighborhood")("Bairro Savassi") == "savassi"
    assert with_market.names.key("street")("Bairro Savassi") == "bairro savassi"
