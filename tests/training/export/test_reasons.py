"""Reasons and comparables: they come from the model that serves, they add up, and nobody is compared with himself."""

import itertools
import json
import math

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from belo.cli import app
from pricing.answer.answer import Explainer
from pricing.answer.comparables import COUNT, Comparables
from pricing.answer.reasons import GROUPS, against_city, against_neighborhood, check_golden_reasons, reasons
from pricing.listing import Features, Listing
from pricing.manifest import CITY, ContractMismatch, encode
from pricing.model import load
from terminal.errors import Failure, UsageFailure
from tests.champions import unsure
from tests.training.made_version import manifest_of
from training.data.frames import features_of
from training.export.reasons import ENOUGH, importance, typical_homes, with_explanations
from training.registry.models_bucket import ModelsBucket, open_comparables


@pytest.fixture(scope="module")
def version(encoded, fitted, params):
    """A model's file, its manifest with reasons, and its comparables."""
    learnt = encoded.training.frame
    manifest, comparables = with_explanations(fitted.model, manifest_of(encoded, fitted, params.market), learnt)
    return fitted.model, manifest, comparables


@pytest.fixture(scope="module")
def explainer(version):
    model, manifest, comparables = version
    return Explainer(load(model, encode(manifest)), open_comparables(comparables, manifest))


@pytest.fixture(scope="module")
def homes(encoded, params):
    return features_of(encoded.test.frame.head(60), params.market)


def listing(home, n=1):
    own = {name: value for name, value in msgspec.structs.asdict(home).items() if name not in ("street", "more")}
    return Listing(listing_id=f"L-{n}", address=home.street, **own)


def test_the_factors_multiply_the_typical_homes_price_to_the_price(explainer, homes):
    for answer in explainer.answers([listing(home, n) for n, home in enumerate(homes)]):
        for each in (answer.against_city, answer.against_neighborhood):
            assert set(each.factors) == set(GROUPS)
            assert each.typical_price * math.prod(each.factors.values()) == pytest.approx(
                answer.predicted_price, abs=0.01, rel=1e-7
            )


def test_the_values_are_those_of_shapley(explainer, homes):
    """By definition: the mean, over all orders in which the groups come, of what each adds when it comes."""
    model = explainer.model
    typical = model.manifest.typical[CITY]
    home = homes[3]
    expected = dict.fromkeys(GROUPS, 0.0)
    every = list(itertools.permutations(GROUPS))
    known = {}

    def log_price(names):
        key = frozenset(names)
        if key not in known:
            fields = [field for name in key for field in GROUPS[name]]
            mixed = msgspec.structs.replace(typical, **{field: getattr(home, field) for field in fields})
            known[key] = model.log_prices([mixed])[0]
        return known[key]

    for order in every:
        for place, name in enumerate(order):
            expected[name] += (log_price(order[: place + 1]) - log_price(order[:place])) / len(every)
    found = against_city(model, [home])
    assert dict(zip(found.groups, found.added[0], strict=True)) == pytest.approx(expected, abs=1e-6)


def test_a_typical_home_has_nothing_to_explain_and_what_a_model_does_not_read_moves_nothing():
    tiny = unsure()
    model = load(tiny.model, tiny.manifest)
    typical = Features(neighborhood="Buritis", area_m2=80.0)
    same = reasons(model, [typical], [typical])
    assert same.added[0] == pytest.approx([0.0] * len(GROUPS), abs=1e-12)
    home = Features(neighborhood="Savassi", area_m2=160.0, garage_places=4, adm_fees=900.0)
    found = reasons(model, [home], [typical]).factors(0)
    assert found["place"] == pytest.approx(math.exp(0.4), rel=1e-5)
    assert found["size"] == pytest.approx(2**0.9, rel=1e-5)
    assert [found[name] for name in ("rooms", "garage", "fee", "street")] == pytest.approx([1.0] * 4)


def test_a_home_is_held_against_its_own_neighbourhood_where_enough_was_learnt_and_else_against_the_city(
    explainer, encoded
):
    typical, counts = explainer.model.manifest.typical, encoded.training.frame["neighborhood"].value_counts()
    assert {key for key in typical if key != CITY} == set(counts.index[counts >= ENOUGH])
    rare = Features(neighborhood="Nobody has been there", area_m2=80.0)
    around, city = (how(explainer.model, [rare]) for how in (against_neighborhood, against_city))
    assert around.typical[0] == pytest.approx(city.typical[0], abs=1e-6)


def test_golden_rows_hold_the_reasons_too(version):
    model, manifest, _ = version
    check_golden_reasons(load(model, encode(manifest)))
    row = manifest.golden[2]
    spoilt = msgspec.structs.replace(row, reasons=[each + 1e-3 for each in row.reasons])
    golden = [*manifest.golden[:2], spoilt, *manifest.golden[3:]]
    with pytest.raises(ContractMismatch, match=r"^golden row 2: expected reasons"):
        check_golden_reasons(load(model, encode(msgspec.structs.replace(manifest, golden=golden))))
    with pytest.raises(ContractMismatch, match="no typical homes"):
        Explainer(load(model, encode(msgspec.structs.replace(manifest, typical={}))))


def test_no_home_is_compared_with_itself_or_its_twin_and_none_comes_twice(explainer, encoded, params):
    learnt = encoded.training.frame
    seen = features_of(learnt.head(80), params.market)
    for home, answer in zip(seen, explainer.answers(list(map(listing, seen))), strict=True):
        found = [each.home for each in answer.comparables]
        assert len(found) == COUNT
        for one, other in itertools.combinations([home, *found], 2):
            assert not same_home(one, other)
        distances = [each.distance for each in answer.comparables]
        assert distances == sorted(distances)


def same_home(one, other):
    near = abs(one.area_m2 - other.area_m2) <= max(0.05 * min(one.area_m2, other.area_m2), 1.0)
    if one.street and one.street == other.street and near:
        return True
    counted = ("neighborhood", "rooms", "garage_places")
    return abs(one.area_m2 - other.area_m2) <= 1.0 and all(getattr(one, n) == getattr(other, n) for n in counted)


def test_comparables_have_prices_of_the_file_and_an_adjusted_one_near_the_price(explainer, encoded, homes):
    prices = set(encoded.training.frame["price"])
    off = []
    for answer in explainer.answers(list(map(listing, homes))):
        assert {each.price for each in answer.comparables} <= prices
        off.append(np.median([each.adjusted_price for each in answer.comparables]) / answer.predicted_price)
    assert np.median(off) == pytest.approx(1, abs=0.1)


def test_a_version_has_no_comparables_but_its_own(version, s3):
    model, manifest, comparables = version
    bucket = ModelsBucket(s3, "models")
    bucket.put_version("1", model, encode(manifest))
    with pytest.raises(Failure, match="comparables are not in the bucket"):
        bucket.comparables(manifest)
    with pytest.raises(Failure, match=r"^version 1: comparables.json.gz: expected sha256"):
        open_comparables(comparables + b" ", manifest)
    assert bucket.comparables(msgspec.structs.replace(manifest, comparables_sha256=None)) is None


def test_a_place_outside_the_market_is_no_distance(version):
    _, manifest, content = version
    comparables = Comparables.of_version(content, manifest)
    far = Features(neighborhood="Buritis", area_m2=90.0, latitude=10.0, longitude=10.0)
    assert [each.km for each in comparables.nearest(far, np.zeros(len(GROUPS)))] == [None] * COUNT


def test_the_same_listings_give_the_same_file(version, encoded, fitted, params):
    again = with_explanations(fitted.model, manifest_of(encoded, fitted, params.market), encoded.training.frame)
    assert again == version[1:]


def test_typical_homes_count_in_whole_rooms(encoded, params):
    for home in typical_homes(encoded.training.frame, params.market).values():
        assert home.rooms is None or home.rooms == int(home.rooms)
        assert home.street is None


def test_importance_is_how_far_prices_move(explainer, homes):
    moves = importance(explainer.model, homes)
    assert set(moves) == set(GROUPS)
    assert all(0 <= each < 2 for each in moves.values())
    assert moves["size"] > moves["rooms"]


@pytest.fixture
def folder(version, tmp_path):
    model, manifest, comparables = version
    (tmp_path / "model.onnx").write_bytes(model)
    (tmp_path / "manifest.json").write_bytes(encode(manifest))
    (tmp_path / "comparables.json.gz").write_bytes(comparables)
    return tmp_path


def run(*arguments):
    result = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_belo_price_and_belo_explain_say_the_price_of_the_stream_and_why(folder, homes, explainer, tmp_path):
    home = homes[0]
    (expected,) = explainer.answers([listing(home)])
    asked = ["--neighborhood", home.neighborhood, "--area", home.area_m2, "--address", home.street or "-"]
    for option, name in (("--rooms", "rooms"), ("--garage", "garage_places")):
        if (value := getattr(home, name)) is not None:
            asked += [option, int(value)]
    for option, name in (("--fee", "adm_fees"), ("--latitude", "latitude"), ("--longitude", "longitude")):
        if (value := getattr(home, name)) is not None:
            asked += [option, value]
    found = json.loads(run("price", *asked, "--explain", "--json", "--model", folder).stdout)
    assert found["predicted_price"] == expected.predicted_price
    assert found["confidence"] == expected.confidence
    assert found["against_city"]["factors"] == pytest.approx(expected.against_city.factors)
    assert len(found["comparables"]) == COUNT
    assert "against_city" not in json.loads(run("price", *asked, "--json", "--model", folder).stdout)
    text = run("price", *asked, "--explain", "--model", folder).stdout
    assert "confidence" in text
    assert "where it is" in text
    listings = tmp_path / "in.jsonl"
    rows = [msgspec.to_builtins(listing(home, 7)), {"listing_id": "L-8", "neighborhood": "Buritis"}]
    listings.write_text("".join(json.dumps(row) + "\n" for row in rows))
    out = tmp_path / "out.jsonl"
    run("explain", listings, "-o", out, "--model", folder)
    one, other = map(json.loads, out.read_text().splitlines())
    assert (one["row"], one["listing_id"], one["predicted_price"]) == (1, "L-7", expected.predicted_price)
    assert other == {"row": 2, "error": "area_m2: required, but missing"}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--area", "-3"], "area_m2: expected a number > 0, got -3"),
        (["--area", "80", "--latitude", "99"], "latitude: "),
        (["--area", "80", "--set", "floor=3"], "--set: expected NAME=VALUE, NAME one of none; got floor=3"),
    ],
)
def test_a_home_that_is_none_is_refused_by_field_and_value(folder, options, told):
    with pytest.raises(UsageFailure, match=rf"^{told}"):
        run("price", "--neighborhood", "Buritis", *options, "--model", folder)


def test_a_version_from_before_reasons_has_a_price_and_says_why_it_gives_none(tmp_path):
    old = unsure()
    (tmp_path / "model.onnx").write_bytes(old.model)
    (tmp_path / "manifest.json").write_bytes(old.manifest)
    asked = ("price", "--neighborhood", "Buritis", "--area", "90", "--model", tmp_path)
    assert "confidence B" in run(*asked).stdout
    with pytest.raises(Failure, match="version 1 gives no reasons: no typical homes"):
        run(*asked, "--explain")
