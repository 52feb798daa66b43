import numpy as np
import pytest

from pricing.answer.interval import intervals
from pricing.manifest import Offsets
from training.evaluation.figures import interval_figures, point_figures


def test_figures_are_those_of_the_definitions():
    actual, predicted = np.log([100.0, 200.0, 400.0, 800.0]), np.log([110.0, 200.0, 300.0, 880.0])
    figures = point_figures(actual, predicted)
    assert figures["mae"] == pytest.approx((10 + 0 + 100 + 80) / 4)
    assert figures["rmse"] == pytest.approx(np.sqrt((100 + 0 + 10_000 + 6_400) / 4))
    assert figures["median_ape"] == pytest.approx(0.1)
    assert figures["r2"] == pytest.approx(1 - 16_500 / 287_500)
    assert figures["bias"] == pytest.approx(np.mean(np.log([100 / 110, 1, 4 / 3, 800 / 880])))


def test_coverage_is_told_by_tercile_of_the_actual_price(params):
    offsets = Offsets(0.9, [], [-0.1], [0.1])
    actual = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    predicted = actual + np.array([0.0, 0.5, 0.0, 0.0, 0.5, 0.5])
    figures = interval_figures(actual, intervals(predicted, offsets))
    assert figures["coverage"] == 0.5
    assert figures["coverage_by_price_tercile"] == [0.5, 1.0, 0.0]
    assert figures["relative_width"] == pytest.approx(np.exp(0.1) - np.exp(-0.1))
