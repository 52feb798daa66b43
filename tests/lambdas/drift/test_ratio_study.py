"""The ratio study: figures that are known, and what they say of prices that favour somebody."""

import numpy as np
import pytest

from lambdas.drift.ratio_study import bounds, by_tercile, drawn_weights, outside, ratio_study, vertical_equity

DRAW = np.random.default_rng(7)
ACTUAL = np.exp(DRAW.normal(13, 0.6, 3_000))
GROUPS = np.arange(len(ACTUAL)).astype(str)


def test_prices_that_are_all_right_are_perfect():
    study = ratio_study(ACTUAL, ACTUAL)
    assert (study.n, study.median_ratio, study.cod, study.prb, study.within_10) == (3_000, 1.0, 0.0, 0.0, 1.0)
    assert study.prd == pytest.approx(1.0)
    assert study.mki == pytest.approx(1.0)
    assert outside(study) == ["cod"]  # no market is so alike: the IAAO takes it for chasing sales


def test_a_level_that_is_wrong_is_no_matter_of_fairness():
    study = ratio_study(ACTUAL, 1.3 * ACTUAL)
    assert study.median_ratio == pytest.approx(1.3)
    assert (study.cod, study.prb) == pytest.approx((0.0, 0.0), abs=1e-9)
    assert (study.prd, study.mki) == pytest.approx((1.0, 1.0))
    assert study.within_20 == 0.0


def test_figures_of_three_prices_agree_with_the_arithmetic():
    actual, predicted = np.array([100.0, 200.0, 400.0] * 4), np.array([120.0, 200.0, 360.0] * 4)
    study = ratio_study(actual, predicted)
    assert study.median_ratio == 1.0
    assert study.cod == pytest.approx(100 * (0.2 + 0.0 + 0.1) / 3)
    assert study.prd == pytest.approx(((1.2 + 1.0 + 0.9) / 3) / (680 / 700))
    assert (study.within_10, study.within_20) == pytest.approx((2 / 3, 1.0))


@pytest.mark.parametrize(("power", "regressive"), [(0.85, True), (1.15, False)])
def test_prices_that_favour_dear_or_cheap_homes_show_in_all_three_figures(power, regressive):
    predicted = np.median(ACTUAL) * (ACTUAL / np.median(ACTUAL)) ** power * np.exp(DRAW.normal(0, 0.05, len(ACTUAL)))
    study = ratio_study(ACTUAL, predicted)
    assert (study.prd > 1.03) == (study.prb < -0.05) == (study.mki < 0.95) == regressive
    assert {"prd", "prb", "mki"} <= set(outside(study))
    thirds = by_tercile(ACTUAL, lambda mask: ratio_study(ACTUAL[mask], predicted[mask]))
    assert (thirds[0].median_ratio > thirds[2].median_ratio) == regressive


def test_the_interval_of_a_figure_holds_it_and_is_wider_where_homes_are_offered_together():
    predicted = ACTUAL * np.exp(DRAW.normal(0, 0.2, len(ACTUAL)))
    alone = bounds(ACTUAL, predicted, GROUPS, draws=200)
    study = ratio_study(ACTUAL, predicted)
    assert all(low <= getattr(study, name) <= high for name, (low, high) in alone.items())
    twice, again = np.tile(ACTUAL, 2), np.tile(predicted, 2)
    together = bounds(twice, again, np.tile(GROUPS, 2), draws=200)
    apart = bounds(twice, again, np.arange(6_000).astype(str), draws=200)
    assert together["cod"][1] - together["cod"][0] > 1.2 * (apart["cod"][1] - apart["cod"][0])
    assert bounds(ACTUAL, predicted, GROUPS, draws=50) == bounds(ACTUAL, predicted, GROUPS, draws=50)


def test_a_few_homes_make_no_study():
    with pytest.raises(ValueError, match="9 homes; at least 10"):
        ratio_study(ACTUAL[:9], ACTUAL[:9])


def test_homes_that_count_several_times_are_as_so_many_homes():
    actual, predicted = ACTUAL[:200], ACTUAL[:200] ** 0.9 * np.exp(DRAW.normal(1.3, 0.2, 200))
    weights = drawn_weights(GROUPS[:200], 5, seed=3)
    assert weights.sum(axis=1).tolist() == [200] * 5
    for (prd, mki), each in zip(vertical_equity(actual, predicted, weights), weights, strict=True):
        rows = np.repeat(np.arange(200), each)
        study = ratio_study(actual[rows], predicted[rows])
        assert (prd, mki) == pytest.approx((study.prd, study.mki))
