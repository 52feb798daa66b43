"""A model that says how large its error will be: the interval follows it, and so does the class of confidence."""

import json

import msgspec
import numpy as np
import pytest

from pricing.listing import Features
from pricing.manifest import ContractMismatch
from pricing.model import load
from tests.champions import champion, expected_error, unsure

HOMES = [Features(neighborhood="Sion", area_m2=area) for area in (30.0, 60.0, 120.0, 170.0, 300.0)]


def test_the_interval_is_as_wide_as_the_error_that_the_model_expects():
    tiny = unsure()
    prices = load(tiny.model, tiny.manifest).predict(HOMES)
    expected = np.array([expected_error(home.area_m2) for home in HOMES])
    assert np.log(prices.high / prices.price) == pytest.approx(2 * expected, abs=1e-6)
    assert np.log(prices.low / prices.price) == pytest.approx(-2 * expected, abs=1e-6)


def test_every_class_of_confidence_has_its_range_of_expected_errors():
    tiny = unsure()
    assert list(load(tiny.model, tiny.manifest).predict(HOMES).confidence) == [*"ABCDE"]


def test_a_model_that_does_not_say_has_no_confidence_and_one_width():
    tiny = champion()
    prices = load(tiny.model, tiny.manifest).predict(HOMES)
    assert list(prices.confidence) == [None] * len(HOMES)


def test_golden_rows_hold_the_expected_errors_too():
    tiny = unsure()
    document = json.loads(tiny.manifest)
    document["golden"][1]["expected_error"] += 1e-3
    with pytest.raises(ContractMismatch, match=r"^golden row 1: expected error size 0\.121, got 0\.12"):
        load(tiny.model, msgspec.json.encode(document))
    document["golden"][1]["expected_error"] = None
    with pytest.raises(ContractMismatch, match=r"^golden row 1: expected error size nan, got"):
        load(tiny.model, msgspec.json.encode(document))


@pytest.mark.parametrize(
    ("classes", "told"),
    [
        ([0.1, 0.2], r"interval: expected 4 edges of classes"),
        ([0.4, 0.3, 0.2, 0.1], r"interval: expected 4 edges of classes"),
        ([], "outputs: expected log prices as"),
    ],
)
def test_classes_that_do_not_fit_the_model_are_refused(classes, told):
    tiny = unsure()
    document = json.loads(tiny.manifest)
    document["interval"]["classes"] = classes
    with pytest.raises(ContractMismatch, match=rf"^{told}"):
        load(tiny.model, msgspec.json.encode(document))


def test_a_manifest_with_classes_wants_a_second_output():
    tiny, sure = unsure(), champion()
    document = json.loads(tiny.manifest) | {"sha256": json.loads(sure.manifest)["sha256"]}
    with pytest.raises(ContractMismatch, match=r"^outputs: expected log prices and expected errors as"):
        load(sure.model, msgspec.json.encode(document))


def test_an_expected_error_that_is_no_number_is_no_price():
    tiny = unsure()
    said = load(tiny.model, tiny.manifest).predict([replace_area(float("nan")), HOMES[0]])
    assert np.isnan([said.price, said.low, said.high]).tolist() == [[True, False]] * 3


def replace_area(area):
    return msgspec.structs.replace(HOMES[0], area_m2=area)


def test_the_stream_carries_the_confidence(s3):
    from tests.lambdas.test_score import MODELS, Room, payload

    unsure("7").put(s3, MODELS)
    room = Room(s3)
    room.score(payload("L-1", area_m2=90.0))
    (event,) = room.predictions
    assert event.data.confidence == "B"
    champion("8", previous="7").put(s3, MODELS)
    other = Room(s3)
    other.score(payload("L-2"))
    assert '"confidence"' not in other.kinesis.taken[0]["Data"].decode()
