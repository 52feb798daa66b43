import hashlib
import time
import warnings

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import RunOptions

from pricing.listing import Features
from pricing.manifest import ContractMismatch
from pricing.model import GOLDEN_BATCH, GOLDEN_SECONDS, TooSlow, load
from tests import champions
from tests.champions import champion, slow, stiff


def test_a_batch_is_priced_in_order_with_its_intervals():
    tiny = champion()
    prices = load(tiny.model, tiny.manifest).predict(
        [
            Features(neighborhood="Savassi", area_m2=60.0),
            Features(neighborhood="Buritis", area_m2=20.0, rooms=1),
        ]
    )
    expected = np.array([champions.price("Savassi", 60.0), champions.price("Buritis", 20.0)])
    assert prices.price == pytest.approx(expected, rel=2e-6)
    # The tiny champion's second band begins at a log price of 13, about 442,000.
    assert prices.low == pytest.approx(expected * np.exp([-0.3, -0.4]), rel=2e-6)
    assert prices.high == pytest.approx(expected * np.exp([0.3, 0.4]), rel=2e-6)


def test_alone_or_in_a_batch_a_listing_costs_the_same():
    tiny = champion()
    model = load(tiny.model, tiny.manifest)
    homes = [Features(neighborhood="Sion", area_m2=20.0 + n) for n in range(300)]
    assert model.predict(homes).price.tolist() == [model.predict([home]).price[0] for home in homes]


def test_no_listings_have_no_prices():
    tiny = champion()
    assert load(tiny.model, tiny.manifest).predict([]).price.shape == (0,)


def test_a_price_that_is_not_finite_is_no_price_at_all():
    tiny = champion()
    homes = [Features(neighborhood="Sion", area_m2=area) for area in (100.0, float("inf"), 90.0)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prices = load(tiny.model, tiny.manifest).predict(homes)
    assert np.isnan([prices.price, prices.low, prices.high]).tolist() == [[False, True, False]] * 3


def test_a_price_that_overflows_is_no_price_and_no_warning():
    tiny = champion(interval={"coverage": 0.9, "edges": [], "low": [-0.4], "high": [1e6]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prices = load(tiny.model, tiny.manifest).predict([Features(neighborhood="Sion", area_m2=80.0)])
    assert np.isnan(prices.price).all()


def test_an_interval_that_reaches_nothing_is_no_price_and_spoils_no_other():
    # The lower bound of the cheaper band is 0.00.
    tiny = champion(interval={"coverage": 0.9, "edges": [13.0], "low": [-1e6, -0.3], "high": [0.4, 0.3]})
    homes = [Features(neighborhood="Sion", area_m2=area) for area in (20.0, 400.0)]
    prices = load(tiny.model, tiny.manifest).predict(homes)
    assert np.isnan([prices.price, prices.low, prices.high]).tolist() == [[True, False]] * 3


def test_prices_are_rounded_to_cents_and_may_be_cents():
    tiny = champion(base=-4.0)
    homes = [Features(neighborhood="Sion", area_m2=20.0 + n) for n in range(100)]
    prices = load(tiny.model, tiny.manifest).predict(homes)
    expected = [champions.price("Sion", 20.0 + n, base=-4.0) for n in range(100)]
    assert prices.price.min() < 1
    assert prices.price == pytest.approx(np.round(expected, 2), abs=1e-9)
    assert prices.low == pytest.approx(np.round(np.array(expected) * np.exp(-0.4), 2), abs=1e-9)


def test_a_price_that_rounds_to_nothing_is_no_price():
    tiny = champion()
    prices = load(tiny.model, tiny.manifest).predict([Features(neighborhood="Buritis", area_m2=1e-7)])
    assert np.isnan([prices.price, prices.low, prices.high]).all()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


GOLDEN = {"features": {"neighborhood": "Buritis", "area_m2": 102.0}}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"sha256": "0" * 64}, "model.onnx: expected sha256 000000"),
        ({"inputs": [{"name": "area_m2", "type": "float32"}]}, "inputs: manifest says"),
        ({"inputs": [{"name": "swimming_pools", "type": "float32"}]}, "input swimming_pools: no feature"),
        ({"golden": []}, "golden: no rows"),
        ({"golden": [{**GOLDEN, "log_price": 11.0}]}, "golden row 0: expected log price 11.0"),
        (
            {"interval": {"coverage": 0.9, "edges": [13.0], "low": [-1.0], "high": [1.0]}},
            "interval: expected 2",
        ),
        (
            {"interval": {"coverage": 0.9, "edges": [13.0], "low": [-1.0], "high": [1.0, 1.0]}},
            "interval: expected 2",
        ),
        (
            {"interval": {"coverage": 0.9, "edges": [13.0], "low": [-1.0, -1.0], "high": [1.0]}},
            "interval: expected 2",
        ),
        (
            {"interval": {"coverage": 1, "edges": [13.0], "low": [-1.0, -1.0], "high": [1.0, 1.0]}},
            "interval: expected a coverage between 0 and 1, got 1",
        ),
        (
            {"interval": {"coverage": 0, "edges": [13.0], "low": [-1.0, -1.0], "high": [1.0, 1.0]}},
            "interval: expected a coverage between 0 and 1, got 0",
        ),
        (
            {"interval": {"coverage": 0.9, "edges": [13.0, 12.0], "low": [-1.0] * 3, "high": [1.0] * 3}},
            "interval: expected edges in ascending order",
        ),
        (
            {"interval": {"coverage": 0.9, "edges": [13.0], "low": [-1.0, 1.0], "high": [1.0, -1.0]}},
            "interval: expected low <= high, got 1.0 and -1.0",
        ),
        ({"version": 7}, "manifest: Expected `str`"),
    ],
)
def test_a_model_that_is_not_what_its_manifest_says_is_refused(changes, error):
    tiny = champion(**changes)
    with pytest.raises(ContractMismatch, match=f"^{error}"):
        load(tiny.model, tiny.manifest)


def test_what_is_no_model_is_refused():
    junk = b"this is no ONNX graph"
    with pytest.raises(ContractMismatch, match=r"^model\.onnx: "):
        load(junk, champion(sha256=sha256(junk)).manifest)


def test_a_truncated_manifest_is_refused():
    tiny = champion()
    with pytest.raises(ContractMismatch, match=r"^manifest: "):
        load(tiny.model, tiny.manifest[:-20])


def by_street(*nodes: onnx.NodeProto, outputs: tuple[str, ...] = ("log_price",)) -> tuple[bytes, bytes]:
    """Return a model that reads the street alone, 11.0 where it has none and 12.0 elsewhere, and its manifest."""
    encoder = helper.make_node(
        "LabelEncoder",
        ["street"],
        ["log_price"],
        domain="ai.onnx.ml",
        keys_strings=[""],
        values_floats=[11.0],
        default_float=12.0,
    )
    column = helper.make_tensor_value_info("street", TensorProto.STRING, ["N", 1])
    said = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 1]) for name in outputs]
    three = numpy_helper.from_array(np.array([3, 1], np.int64), "three")
    graph = helper.make_graph([encoder, *nodes], "street", [column], said, [three])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()
    golden = [{**GOLDEN, "log_price": 11.0}]
    inputs = [{"name": "street", "type": "string"}]
    return model, champion(sha256=sha256(model), inputs=inputs, golden=golden).manifest


def test_a_text_that_is_not_known_reaches_the_model_as_an_empty_one():
    homes = [Features(neighborhood="Sion", area_m2=80.0, street=street) for street in (None, "Rua Pium-I")]
    assert load(*by_street()).log_prices(homes).tolist() == [11.0, 12.0]


def test_a_model_that_says_more_than_log_prices_is_refused():
    model = by_street(helper.make_node("Neg", ["log_price"], ["more"]), outputs=("log_price", "more"))
    told = r"outputs: expected log prices as tensor\(float\), got \['tensor\(float\)', 'tensor\(float\)'\]"
    with pytest.raises(ContractMismatch, match=f"^{told}$"):
        load(*model)


def test_a_model_that_fails_on_its_golden_rows_is_refused():
    model = by_street(helper.make_node("Reshape", ["log_price", "three"], ["shaped"]), outputs=("shaped",))
    with pytest.raises(ContractMismatch, match=r"^golden rows do not run: .*[Rr]eshape"):
        load(*model)


def test_a_model_that_runs_on_its_golden_rows_and_on_no_other_number_of_listings_is_refused():
    tiny = stiff("1")
    with pytest.raises(ContractMismatch, match=r"^golden rows do not run: .*[Rr]eshape"):
        load(tiny.model, tiny.manifest)


def test_a_model_that_runs_on_a_batch_and_not_on_one_listing_is_refused():
    thousand = numpy_helper.from_array(np.array([GOLDEN_BATCH, 1], np.int64))
    shape = helper.make_node("Constant", [], ["thousand"], value=thousand)
    large = by_street(shape, helper.make_node("Reshape", ["log_price", "thousand"], ["shaped"]), outputs=("shaped",))
    with pytest.raises(ContractMismatch, match=r"^golden rows do not run: .*[Rr]eshape"):
        load(*large)


def test_a_model_that_says_something_else_in_a_batch_is_refused():
    zero = helper.make_node("Constant", [], ["zero"], value=numpy_helper.from_array(np.array(0)))
    adding_up = by_street(zero, helper.make_node("CumSum", ["log_price", "zero"], ["sum"]), outputs=("sum",))
    with pytest.raises(ContractMismatch, match=r"^golden row 0: expected log price 11\.0, got 22\.0$"):
        load(*adding_up)


SLOW = rf"^golden rows: {GOLDEN_BATCH:,} listings take more than {GOLDEN_SECONDS:g} s of CPU$"


@pytest.mark.parametrize("turns", [20_000, 10**12], ids=["some milliseconds a listing", "for ever"])
def test_a_model_that_is_slow_is_refused_and_ended(turns):
    tiny = slow("1", turns)
    started = time.thread_time()
    with pytest.raises(TooSlow, match=SLOW):
        load(tiny.model, tiny.manifest)
    assert time.thread_time() - started < GOLDEN_SECONDS + 1


def test_a_run_is_ended_by_its_options():
    tiny = champion()
    options = RunOptions()
    options.terminate = True
    with pytest.raises(Exception, match="terminate flag"):
        load(tiny.model, tiny.manifest).predict([Features(neighborhood="Sion", area_m2=80.0)], options)
