import numpy as np
import pytest

from training.evaluation.conformal import calibrate, encode_folds, interval, out_of_fold
from training.evaluation.figures import interval_figures, point_figures
from training.evaluation.splits import mean_figures


def test_nine_in_ten_new_prices_lie_in_the_interval_in_every_band(params):
    draw = np.random.default_rng(0)

    def market(n):
        predicted = draw.normal(13.5, 0.7, n)
        return predicted, predicted + draw.normal(0.05, 0.1 + 0.2 * (predicted > 13.5), n)

    predicted, actual = market(6_000)
    offsets = calibrate(predicted, actual, params)
    assert len(offsets.low) == len(offsets.high) == len(offsets.edges) + 1 == params.interval.bands
    predicted, actual = market(6_000)
    low, high = interval(predicted, offsets)
    band = np.searchsorted(offsets.edges, predicted)
    for each in range(params.interval.bands):
        inside = ((actual >= low) & (actual <= high))[band == each]
        assert inside.mean() == pytest.approx(0.9, abs=0.025)


def test_few_residuals_make_the_interval_wider_not_narrower(params):
    predicted = np.linspace(13, 14, 3 * 25)
    actual = predicted + np.tile(np.linspace(-1, 1, 25), 3)
    offsets = calibrate(predicted, actual, params)
    assert offsets.low == [-1.0] * 3
    assert offsets.high == [1.0] * 3


def test_the_calibration_never_asks_a_model_about_a_listing_it_saw(encoded, params):
    seen = []

    class Spy:
        def __init__(self, part):
            self.groups = set(part.rows.groups)

        def predict(self, frame):
            seen.append((self.groups, frame))
            return np.zeros(len(frame))

    encoded_folds = encode_folds(encoded.training, params, seed=1)
    out_of_fold(lambda part, _: Spy(part), encoded.training, encoded_folds, params)
    assert sum(len(frame) for _, frame in seen) == len(encoded.training.frame)
    for (mask, _), (groups, _) in zip(encoded_folds, seen, strict=True):
        assert not groups & set(encoded.training.groups[mask])


def test_figures_are_those_of_the_definitions():
    actual, predicted = np.log([100.0, 200.0, 400.0, 800.0]), np.log([110.0, 200.0, 300.0, 880.0])
    figures = point_figures(actual, predicted)
    assert figures["mae"] == pytest.approx((10 + 0 + 100 + 80) / 4)
    assert figures["rmse"] == pytest.approx(np.sqrt((100 + 0 + 10_000 + 6_400) / 4))
    assert figures["median_ape"] == pytest.approx(0.1)
    assert figures["r2"] == pytest.approx(1 - 16_500 / 287_500)
    assert figures["bias"] == pytest.approx(np.mean(np.log([100 / 110, 1, 4 / 3, 800 / 880])))


def test_coverage_is_told_by_tercile_of_the_actual_price(params):
    from pricing.manifest import Offsets

    offsets = Offsets(0.9, [], [-0.1], [0.1])
    actual = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    predicted = actual + np.array([0.0, 0.5, 0.0, 0.0, 0.5, 0.5])
    figures = interval_figures(actual, predicted, offsets)
    assert figures["coverage"] == 0.5
    assert figures["coverage_by_price_tercile"] == [0.5, 1.0, 0.0]
    assert figures["relative_width"] == pytest.approx(np.exp(0.1) - np.exp(-0.1))


def test_means_over_splits_are_taken_place_by_place():
    assert mean_figures([{"a": 1, "b": [1.0, 2.0]}, {"a": 3, "b": [3.0, 6.0]}]) == {"a": 2, "b": [2.0, 4.0]}
