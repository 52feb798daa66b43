import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data.listings import read_listings
from training.data.sample import write_sample
from training.export.onnx_model import run_onnx, run_outputs, session
from training.fitting import fit, split_and_encode
from training.model.candidates import CANDIDATES, one_thread
from training.model.column_ops import GraphOps
from training.model.expected_error import LEAST
from training.model.features import COLUMNS, matrix
from training.model.onnx_graph import Graph
from training.model.price_levels import fit_levels
from training.model.trees import round_down, write_boosting

LIMIT = 1e-5


def strange(frame):
    """Listings at the edges of what is valid, and with everything unknown."""
    odd = frame.head(8).copy()
    odd["neighborhood"] = ["", "nobody has been there", *odd["neighborhood"][2:]]
    odd["street"] = ["", "nowhere", *odd["street"][2:]]
    odd["area_m2"] = np.float32([1e-3, 100_000, 20, 55.5, 1, 1_000, 333.3, 40])
    odd["rooms"] = np.float32([np.nan, 0, 1_000, 1, np.nan, 3, 12, 2])
    odd["garage_places"] = np.float32([np.nan, 0, 1_000, 1, 2, np.nan, 4, 0])
    odd["adm_fees"] = np.float32([19_999.998, 0, 20, 20.000002, 1e7, 20_000, 300, np.nan])
    odd["latitude"] = np.float32([np.nan, -90, 90, -20.06, -19.77, -19.9, np.nan, 0])
    odd["longitude"] = np.float32([np.nan, -180, 180, -44.07, -43.85, np.nan, -43.9, 0])
    return odd


@pytest.mark.parametrize("name", CANDIDATES)
def test_every_candidate_converts_for_every_listing(encoded, params, name):
    with one_thread():
        pricer = CANDIDATES[name](encoded.whole, params)
    model = pricer.onnx()
    for frame in (encoded.data.frame, strange(encoded.data.frame)):
        predicted = run_onnx(model, frame)
        assert np.isfinite(predicted).all()
        assert np.abs(np.expm1(predicted - pricer.predict(frame))).max() <= LIMIT


def test_the_columns_are_the_same_to_the_last_bit(encoded):
    from training.model import features as encoding

    graph = Graph()
    columns = encoding.write(graph, encoded.whole.levels)
    frame = strange(encoded.data.frame)
    expected = matrix(frame, encoded.whole.levels)
    for place, name in enumerate(COLUMNS):
        one = Graph()
        columns = encoding.write(one, encoded.whole.levels)
        picked = GraphOps().pick(columns, np.array([place]))
        predicted = run_onnx(one.finish({"column": picked}), frame)
        np.testing.assert_array_equal(predicted.astype(np.float32), expected[:, place], err_msg=name)


def test_a_fee_that_cannot_be_true_is_read_as_unknown(encoded, params):
    frame = encoded.data.frame.head(200).copy()
    unknown, wrong = frame.copy(), frame.copy()
    unknown.loc[:2, "adm_fees"] = np.float32(np.nan)
    wrong.loc[:2, "adm_fees"] = np.float32([1, 20_000, 380_000])
    one, other = (
        fit_levels(each, np.log(each["price"].to_numpy()), params.encoding, params.market) for each in (unknown, wrong)
    )
    np.testing.assert_array_equal(one.neighborhood_table, other.neighborhood_table)
    np.testing.assert_array_equal(matrix(unknown, one), matrix(wrong, one))


def test_a_listing_on_a_threshold_takes_the_same_branch(encoded, params):
    """Every split of the trees is asked with the floats just below it, on it and above it."""
    with one_thread():
        pricer = CANDIDATES["boosting"](encoded.whole, params)
    trees = pricer.learners[0].learner
    rows = []
    for (predictor,) in trees._predictors[:10]:
        for node in predictor.nodes[~predictor.nodes["is_leaf"].astype(bool)]:
            row = encoded.whole.columns[len(rows) % 500].copy()
            near = np.float32(node["num_threshold"])
            for value in (np.nextafter(near, np.float32(-np.inf)), near, np.nextafter(near, np.float32(np.inf))):
                row = row.copy()
                row[node["feature_idx"]] = value
                rows.append(row)
    columns = np.array(rows)
    graph = Graph()
    inputs = [graph.input(name, text=False) for name in COLUMNS]
    model = graph.finish({"log_price": write_boosting(GraphOps().join(inputs), trees)})
    feed = {name: columns[:, i : i + 1] for i, name in enumerate(COLUMNS)}
    (predicted,) = session(model).run(None, feed)
    np.testing.assert_allclose(predicted[:, 0], trees.predict(columns), atol=2e-6, rtol=0)


@given(
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e30, max_value=1e30),
    st.floats(width=32, allow_nan=False),
)
def test_a_threshold_rounded_down_changes_no_comparison_of_a_float32(threshold, value):
    rounded = round_down(np.array([threshold]))[0]
    assert (np.float32(value) <= rounded) == (np.float64(np.float32(value)) <= threshold)


def test_a_listing_costs_the_same_alone_and_in_a_batch(encoded, fitted):
    ready = session(fitted.model)
    frame = encoded.data.frame.head(300)
    whole = run_onnx(fitted.model, frame)
    for i in range(0, 300, 50):
        one = frame.iloc[i : i + 1]
        predicted, _ = ready.run(None, {node.name: one[node.name].to_numpy()[:, None] for node in ready.get_inputs()})
        assert abs(np.expm1(float(predicted[0, 0]) - whole[i])) <= 2e-6


def test_the_expected_errors_agree_for_every_listing(encoded, fitted):
    for frame in (encoded.data.frame, strange(encoded.data.frame)):
        _, errors = run_outputs(fitted.model, frame)
        expected = fitted.pricer.expected_error(frame)
        assert np.abs(errors / expected - 1).max() <= LIMIT
        assert errors.min() >= LEAST * (1 - 1e-6)


@pytest.mark.parametrize("rows", [10_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_generated_listings_agree(fitted, tmp_path, rows):
    frame = read_listings(write_sample(tmp_path / "more.csv", rows, seed=99)).frame
    difference = np.abs(np.expm1(run_onnx(fitted.model, frame) - fitted.pricer.predict(frame)))
    assert (difference > LIMIT).sum() == 0


@pytest.mark.skipif(not os.environ.get("DATA"), reason="DATA names no file of real listings")
def test_every_real_listing_agrees(params):
    with one_thread():
        encoded = split_and_encode(read_listings(Path(os.environ["DATA"])), params)
        assert fit(encoded, params, "averaged").parity.worst <= LIMIT
