"""How good a model is: figures on a test part, and their means over group splits of the fixed population."""

from typing import Any

import numpy as np

from pricing.answer.interval import Predicted
from training.arrays import Log
from training.model.training_part import Rows

Figures = dict[str, Any]


def point_figures(actual: Log, predicted: Log) -> Figures:
    """Return errors of log prices as errors of prices: amounts for rmse and mae, fractions for the others.

    `bias` is the mean of log(actual / predicted): positive where prices are predicted too low.
    """
    price, predicted_price = np.exp(actual), np.exp(predicted)
    squares = float(np.sum((price - predicted_price) ** 2))
    return {
        "rows": len(price),
        "rmse": float(np.sqrt(squares / len(price))),
        "mae": float(np.mean(np.abs(price - predicted_price))),
        "median_ape": float(np.median(np.abs(predicted_price / price - 1))),
        "r2": 1 - squares / spread if (spread := float(np.sum((price - price.mean()) ** 2))) else float("nan"),
        "bias": float(np.mean(actual - predicted)),
    }


def interval_figures(actual: Log, predicted: Predicted) -> Figures:
    """Return the interval's coverage, by tercile of the actual price too, and its median width over the price."""
    inside = predicted.holds(actual)
    tercile = np.searchsorted(np.quantile(actual, [1 / 3, 2 / 3]), actual)
    return {
        **width_and_coverage(actual, predicted),
        "coverage_by_price_tercile": [float(inside[tercile == each].mean()) for each in range(3)],
    }


def width_and_coverage(actual: Log, predicted: Predicted) -> Figures:
    """Return the share of actual prices in the interval, and its median width over the predicted price."""
    width = np.exp(predicted.high - predicted.log_price) - np.exp(predicted.low - predicted.log_price)
    return {"coverage": float(predicted.holds(actual).mean()), "relative_width": float(np.median(width))}


def figures(predicted: Predicted, test: Rows) -> Figures:
    """Return all figures of log prices predicted for a test part."""
    return point_figures(test.log_price, predicted.log_price) | interval_figures(test.log_price, predicted)
