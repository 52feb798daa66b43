"""Other cities: a market file is all it takes, from a file in its own dialect to predictions on the stream."""

import base64
import json

import msgspec
import pytest

from lambdas.aws.batch import Batch
from lambdas.scoring.decode import decode_batch
from lambdas.scoring.encode import encode
from lambdas.scoring.predict import predict
from listing_files.market_file import read_market
from listing_files.rejects import Reading
from pricing import prediction
from pricing.manifest import encode as encode_manifest
from pricing.model import load
from stream_producer.listing_events import ListingEvents
from terminal.errors import Failure
from tests.other_markets import FILES, MARKETS
from tests.training.conftest import small
from tests.training.made_version import manifest_of
from training.data.listings import read_listings
from training.fitting import fit, split_and_encode
from training.model.candidates import BASELINE, CHAMPION, one_thread
from training.params import read_params


@pytest.fixture(scope="module", params=FILES)
def trained(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    market = read_market(MARKETS / f"{request.param}.yaml")
    file = FILES[request.param](folder)
    params = small(read_params(market=market))
    data = read_listings(file, Reading(market))
    with one_thread():
        encoded = split_and_encode(data, params)
        fitted, baseline = fit(encoded, params, CHAMPION), fit(encoded, params, BASELINE)
    manifest = manifest_of(encoded, fitted, market)
    return file, market, data, fitted, baseline, load(fitted.model, encode_manifest(manifest))


def batch(records):
    kinesis = [
        {"partitionKey": each.partition_key, "data": base64.b64encode(each.data).decode(), "sequenceNumber": str(n)}
        for n, each in enumerate(records)
    ]
    moment = {"approximateArrivalTimestamp": 1_790_000_000.0}
    return Batch.of(
        {
            "Records": [
                {"kinesis": each | moment, "eventID": f"shardId-000000000000:{n}"} for n, each in enumerate(kinesis)
            ]
        }
    )


def test_a_city_is_trained_published_priced_and_better_than_the_linear_baseline(trained):
    file, market, data, fitted, baseline, model = trained
    assert data.report.rows_out > 0.85 * data.report.rows_in
    assert fitted.figures["median_ape"] < baseline.figures["median_ape"] < 0.3
    events = ListingEvents(file, "ab" * 32, market=market, limit=50)
    submitted, refused = decode_batch(found := batch(list(events)), model.decode)
    assert (len(submitted.events), refused) == (50, [])
    submitted, priced, unscorable = predict(found, submitted, model)
    assert unscorable == []
    answers = [prediction.decode(each.data) for each in encode(submitted, priced, model.manifest)]
    assert {each.data.currency for each in answers} == {market.currency}
    assert sum(bool(each.data.warnings) for each in answers) <= 10
    for answer, event in zip(answers, submitted.events, strict=True):
        own = {name: value for name in market.columns if (value := getattr(event.data, name)) is not None}
        assert answer.data.features.more == own
        assert len(own) >= len(market.columns) - 1


def test_a_market_s_own_columns_are_features_and_what_they_say_moves_the_price(trained):
    _, market, data, _, _, model = trained
    home = msgspec.convert(
        {"neighborhood": "Lugar 1", "area_m2": 90.0, "rooms": 3}, type(model.manifest.golden[0].features)
    )
    few, many = (msgspec.structs.replace(home, more={"bathrooms": each}) for each in (1.0, 3.0))
    prices = model.predict([few, many, home]).price
    assert prices[1] > 1.05 * prices[0]
    assert set(market.columns) <= set(data.frame.columns)


def test_a_market_s_own_columns_are_checked_on_the_stream_and_others_ignored(trained):
    _, market, _, _, _, model = trained
    name, column = next((each, it) for each, it in market.columns.items() if it.type == "number")
    home = {"listing_id": "L-1", "neighborhood": "Lugar 1", "area_m2": 90, "pool": "yes", "bathrooms": None}

    def event(**more):
        document = {"specversion": "1.0", "id": "1", "source": "/m", "type": "listing.submitted", "data": home | more}
        return json.dumps(document).encode()

    assert model.decode(event()).data.listing_id == "L-1"
    with pytest.raises(ValueError, match=rf'{name}: expected a number( or null)?, got "three"'):
        model.decode(event(**{name: "three"}))
    with pytest.raises(ValueError, match=f"{name}: expected a number <= "):
        model.decode(event(**{name: column.limits[1] + 1}))


def test_a_number_of_a_market_s_own_column_with_two_readings_refuses_the_file(tmp_path):
    market = read_market(MARKETS / "ames.yaml")
    path = tmp_path / "a.csv"
    path.write_text("neighborhood;sqft;LotArea;SalePrice\nA;900;1.250;1\nB;1000;8.450;1\n")
    with pytest.raises(Failure, match=r"column LotArea: 1\.250 may be 1250 or 1\.25"):
        list(ListingEvents(path, "ab" * 32, market=market))
