"""Files of which a column is unknown, almost unknown, or the same in every row: they are trained on, all the same."""

import numpy as np
import pandas as pd
import pytest

from terminal.errors import Failure
from training.data.listings import read_listings
from training.data.sample import write_sample
from training.data.schema import check_schema
from training.export.reference import reference
from training.fitting import fit, split_and_encode
from training.model.candidates import CANDIDATES, one_thread

UNKNOWN = {
    "fees": {"adm-fees": ""},
    "rooms": {"rooms": "--"},
    "garage": {"garage-places": ""},
    "places": {"latitude": "", "longitude": ""},
    "places, all of them outside the box": {"latitude": "-10", "longitude": "-40"},
    "streets": {"address": ""},
    "all that is optional": dict.fromkeys(
        ("adm-fees", "rooms", "garage-places", "latitude", "longitude", "address"), ""
    ),
}
CONSTANT = {"rooms": {"rooms": "3"}, "areas": {"square-foot": "80"}, "neighbourhoods": {"neighborhood": "Savassi"}}


@pytest.fixture(scope="module")
def listings(tmp_path_factory):
    path = tmp_path_factory.mktemp("listings") / "sample.csv"
    return pd.read_csv(write_sample(path, 900, seed=11), dtype=str)


def read(listings, folder, **columns):
    path = folder / "listings.csv"
    listings.assign(**columns).to_csv(path, index=False)
    return read_listings(path, generated=True)


@pytest.mark.parametrize("columns", [*UNKNOWN.values(), *CONSTANT.values()], ids=[*UNKNOWN, *CONSTANT])
def test_every_candidate_learns_from_a_file_that_lacks_something(listings, tmp_path, params, columns):
    data = read(listings, tmp_path, **columns)
    check_schema(data.frame, data.market)
    with one_thread():
        encoded = split_and_encode(data, params)
        for candidate in CANDIDATES:
            fitted = fit(encoded, params, candidate)
            assert fitted.parity.worst <= params.export.parity
            assert 0 < fitted.figures["median_ape"] < 0.6
    assert reference(encoded.training.frame, np.zeros(len(encoded.training.frame)), encoded.training.log_price).rows


def test_two_known_values_are_too_few_and_no_reason_to_fail(listings, tmp_path, params):
    data = read(listings, tmp_path, **{"adm-fees": ["500", "700", *[""] * (len(listings) - 2)]})
    with one_thread():
        assert fit(split_and_encode(data, params), params, "averaged").figures["rows"] > 50


def test_a_file_whose_prices_are_all_equal_is_refused_with_the_price(listings, tmp_path, params):
    data = read(listings, tmp_path, price="500000")
    with pytest.raises(Failure, match=r"all 8\d\d prices are 500,000 BRL; there is nothing to learn"):
        split_and_encode(data, params)
