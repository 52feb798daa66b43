import numpy as np
import pytest

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
    by = rescale.fit(actual - predicted, predicted, Offsets(0.9, [13.0], [-0.3, -0.3], [0.3, 0.3]))
    widened = rescale.offsets(Offsets(0.9, [13.0], [-0.3, -0.3], [0.3, 0.3]), by)
    inside = np.abs(actual - predicted - by.level) <= widened.high[0]
    assert inside.mean() == pytest.approx(0.9, abs=0.02)
