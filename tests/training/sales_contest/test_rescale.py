import numpy as np
import pytest

from pricing.answer.interval import intervals
from pricing.manifest import Offsets
from tests.training.sales_contest.sold_market import market
from training.sales_contest import rescale


def test_a_level_is_fitted_without_the_sale_that_it_is_judged_by():
    errors, groups = np.zeros(50), np.arange(50).astype(str)
    errors[7] = 0.2
    levels = rescale.cross_fitted_level(errors, groups, 1)
    assert levels[7] == 0


def test_the_interval_is_widened_to_what_the_sales_need():
    predicted, actual, _ = market(400, spread=0.4)
    offsets = Offsets(0.9, [13.0], [-0.3, -0.3], [0.3, 0.3])
    by = rescale.fit(actual - predicted, intervals(predicted, offsets), 0.9)
    widened = rescale.offsets(offsets, by)
    inside = np.abs(actual - predicted - by.level) <= widened.high[0]
    assert inside.mean() == pytest.approx(0.9, abs=0.02)


def test_a_level_that_may_be_chance_is_none_and_one_that_is_there_is_taken_whole():
    draw = np.random.default_rng(0)
    still = [rescale.moved_level(draw.normal(0, 0.2, 60)) for _ in range(300)]
    assert np.mean(np.array(still) == 0) > 0.8
    risen = [rescale.moved_level(draw.normal(0.14, 0.2, 60)) for _ in range(300)]
    assert np.mean(risen) == pytest.approx(0.14, abs=0.01)


def test_an_interval_that_may_well_hold_its_promise_stays_as_wide_as_it_is():
    draw = np.random.default_rng(0)
    predicted = intervals(np.full(120, 13.0), Offsets(0.9, [], [-0.33], [0.33]))
    widths = [rescale.fit(draw.normal(0, 0.2, 120), predicted, 0.9).width for _ in range(200)]
    assert np.mean(np.array(widths) == 1.0) > 0.9
    assert rescale.fit(draw.normal(0, 0.4, 120), predicted, 0.9).width > 1.5
