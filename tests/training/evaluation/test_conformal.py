import numpy as np
import pytest

from pricing.answer.interval import intervals
from training.evaluation.conformal import calibrate, encode_folds, held_out, out_of_fold
from training.model.expected_error import cross_fitted_sizes
from training.params import Boosting


def test_nine_in_ten_new_prices_lie_in_the_interval_in_every_band(params):
    draw = np.random.default_rng(0)

    def market(n):
        predicted = draw.normal(13.5, 0.7, n)
        return predicted, predicted + draw.normal(0.05, 0.1 + 0.2 * (predicted > 13.5), n)

    predicted, actual = market(6_000)
    offsets = calibrate(predicted, actual, params)
    assert len(offsets.low) == len(offsets.high) == len(offsets.edges) + 1 == params.interval.bands
    predicted, actual = market(6_000)
    found = intervals(predicted, offsets)
    band = np.searchsorted(offsets.edges, predicted)
    for each in range(params.interval.bands):
        inside = found.holds(actual)[band == each]
        assert inside.mean() == pytest.approx(0.9, abs=0.025)


def test_few_residuals_make_the_interval_wider_not_narrower(params):
    bands = params.interval.bands
    predicted = np.linspace(13, 14, bands * 25)
    actual = predicted + np.tile(np.linspace(-1, 1, 25), bands)
    offsets = calibrate(predicted, actual, params)
    assert offsets.low == [-1.0] * bands
    assert offsets.high == [1.0] * bands


@pytest.fixture
def asked():
    """Return a candidate, and what its models are asked about: the groups that each has seen, and a frame."""
    found = []

    class Spy:
        def __init__(self, part, _):
            self.groups = set(part.rows.groups)

        def predict(self, frame):
            found.append((self.groups, frame))
            return np.zeros(len(frame))

    return Spy, found


def test_the_calibration_never_asks_a_model_about_a_listing_it_saw(encoded, params, asked):
    spy, seen = asked
    encoded_folds = encode_folds(encoded.training, params, seed=1)
    out_of_fold(spy, encoded.training, encoded_folds, params)
    assert sum(len(frame) for _, frame in seen) == len(encoded.training.frame)
    for (mask, _), (groups, _) in zip(encoded_folds, seen, strict=True):
        assert not groups & set(encoded.training.groups[mask])


def test_listings_that_only_their_price_keeps_out_are_calibrated_on_with_their_groups_held_out(encoded, params, asked):
    spy, seen = asked
    assert len(encoded.dear.groups) > 5
    assert (encoded.dear.frame["price"] > 4e6).all()
    folds = encode_folds(encoded.training, params, seed=1)
    found = held_out(spy, encoded.training, encoded.dear, folds, params)
    assert len(found.predicted) == len(encoded.training.groups) + len(encoded.dear.groups)
    by_price = dict(zip(encoded.dear.frame["price"], encoded.dear.groups, strict=True))
    found = [(groups, by_price[price]) for groups, frame in seen for price in frame["price"] if price > 4e6]
    assert len(found) == len(encoded.dear.groups)
    assert not any(group in groups for groups, group in found)


def test_errors_that_the_model_can_tell_are_told_and_intervals_hold_for_the_sure_and_the_unsure_alike(params):
    draw = np.random.default_rng(5)
    predicted = draw.normal(13.5, 0.7, 8_000)
    spread = draw.choice([0.08, 0.4], 8_000)
    actual = predicted + draw.normal(0, spread)
    half = len(predicted) // 2
    offsets = calibrate(predicted[:half], actual[:half], params, spread[:half])
    found = intervals(predicted[half:], offsets, spread[half:])
    for each in (0.08, 0.4):
        assert found.holds(actual[half:])[spread[half:] == each].mean() == pytest.approx(0.9, abs=0.02)
    plain = intervals(predicted[half:], calibrate(predicted[:half], actual[:half], params))
    assert np.mean(found.high - found.low) < 0.9 * np.mean(plain.high - plain.low)


def test_a_fit_learns_the_sizes_of_its_errors_from_listings_of_other_folds():
    draw = np.random.default_rng(6)
    columns = draw.uniform(0, 1, (2_000, 3)).astype(np.float32)
    sizes = np.abs(draw.normal(0, 0.1 + 0.3 * (columns[:, 0] > 0.5)))
    fold = np.arange(2_000) % 5
    knobs = Boosting(40, 6, 0.1, 20, 1.0, 1.0)
    expected = cross_fitted_sizes(columns, sizes, fold, knobs, seed=1)
    wide = columns[:, 0] > 0.5
    assert expected[wide].mean() == pytest.approx(0.4 * (2 / np.pi) ** 0.5, rel=0.05)
    assert expected[~wide].mean() == pytest.approx(0.1 * (2 / np.pi) ** 0.5, rel=0.1)
    changed = sizes.copy()
    changed[fold == 2] = 5.0
    again = cross_fitted_sizes(columns, changed, fold, knobs, seed=1)
    np.testing.assert_array_equal(again[fold == 2], expected[fold == 2])  # a row's own fold has no say
