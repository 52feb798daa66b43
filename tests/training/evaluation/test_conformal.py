import numpy as np
import pytest

from training.evaluation.conformal import calibrate, encode_folds, fold_predictions, interval, out_of_fold


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
    predicted, dear = fold_predictions(spy, encoded.training, encoded.dear, folds, params)
    assert (len(predicted), len(dear)) == (len(encoded.training.groups), len(encoded.dear.groups))
    by_price = dict(zip(encoded.dear.frame["price"], encoded.dear.groups, strict=True))
    found = [(groups, by_price[price]) for groups, frame in seen for price in frame["price"] if price > 4e6]
    assert len(found) == len(encoded.dear.groups)
    assert not any(group in groups for groups, group in found)
