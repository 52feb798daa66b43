"""When a price means little: what is warned of, and what is not."""

import json

import msgspec
import numpy as np
import pytest

from lambdas.aws.batch import Batch
from lambdas.scoring.decode import decode_batch
from lambdas.scoring.encode import encode
from lambdas.scoring.predict import predict
from pricing import prediction
from pricing.answer.columns import columns_of
from pricing.answer.warnings import WARNINGS, Warnings
from pricing.listing import Listing, features
from pricing.model import load
from tests.champions import champion
from tests.events import batch, payload
from tests.market import MARKET

REFERENCE = {"rows": 100, "neighborhood": {"buritis": 0.6, "savassi": 0.4}, "area_per_room": [12.0, 90.0]}
HOME = Listing(listing_id="L-1", neighborhood="Buritis", city="Belo Horizonte", area_m2=90.0, rooms=3)


@pytest.fixture(scope="module")
def model():
    made = champion("1", reference=REFERENCE, market=msgspec.to_builtins(MARKET), place_names="key")
    return load(*_keyed(made))


def _keyed(made):
    document = json.loads(made.manifest)
    document["place_names"] = "written"  # the tiny graph knows places as they are written
    return made.model, json.dumps(document).encode()


def warned(model, price=600_000.0, **changes):
    home = msgspec.structs.replace(HOME, **changes)
    (found,) = Warnings(model.manifest).of([home], columns_of([features(home)]), np.array([price]))
    return found


def test_an_ordinary_home_at_an_ordinary_price_has_no_warning(model):
    assert warned(model) == ()
    assert warned(model, neighborhood="BAIRRO BURITIS", city="belo horizonte", latitude=-19.9, longitude=-43.95) == ()
    assert warned(model, rooms=None, city=None) == ()


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"neighborhood": "Atlantis"}, "unknown_neighborhood"),
        ({"latitude": -22.97, "longitude": -43.19}, "outside_area"),
        ({"city": "Contagem"}, "outside_city"),
        ({"area_m2": 0.5, "rooms": None}, "outside_population"),
        ({"area_m2": 90_000.0, "rooms": None}, "outside_population"),
        ({"area_m2": 1e-99, "rooms": None}, "outside_population"),
        ({"area_m2": 969.0}, "outside_population"),  # 90 m² in square feet, read as m²
        ({"price": 99_000.0}, "price_extrapolated"),
        ({"price": 4_000_001.0}, "price_extrapolated"),
    ],
)
def test_what_is_unlike_all_that_was_learnt_is_warned_of(model, changes, warning):
    assert warned(model, **changes) == (warning,)


def test_warnings_are_independent_of_each_other_and_in_a_fixed_order(model):
    everything = warned(
        model, price=1.0, neighborhood="x", city="y", area_m2=1.0, rooms=None, latitude=1.0, longitude=1.0
    )
    assert everything == WARNINGS


def test_a_model_that_names_no_market_warns_of_nothing():
    bare = champion("1")
    model = load(bare.model, bare.manifest)
    assert model.price([HOME]).warnings == [()]


def test_a_prediction_carries_its_warnings_and_the_currency_and_nothing_where_there_are_none(model):
    data = [{"neighborhood": "Buritis"}, {"neighborhood": "Atlantis"}]
    arrived = Batch.of(batch(*(payload(**changes) for changes in data)))
    submitted, _ = decode_batch(arrived, model.decode)
    plain, odd = encode(*predict(arrived, submitted, model)[:2], model.manifest)
    assert b"warnings" not in plain.data
    assert prediction.decode(odd.data).data.warnings == ("unknown_neighborhood",)
    assert prediction.decode(odd.data).data.currency == MARKET.currency
