"""The interval around a price, and how sure the model is of it: computed here for serving, training and judges."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pricing.manifest import Offsets
from pricing.prediction import Confidence

Log = NDArray[np.float64]  # natural logarithms of prices, or differences of such

CLASSES: tuple[Confidence, ...] = ("A", "B", "C", "D", "E")  # the surest first


@dataclass(frozen=True, slots=True)
class Predicted:
    """Log prices with the ends of their intervals, shape (N,) each.

    `expected_error` is the size of the log price's error that the model expects, None where it does not say.
    """

    log_price: Log
    low: Log
    high: Log
    expected_error: Log | None = None

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "Predicted":
        """Return those of some of the rows."""
        error = None if self.expected_error is None else self.expected_error[rows]
        return Predicted(self.log_price[rows], self.low[rows], self.high[rows], error)

    def holds(self, actual: Log) -> NDArray[np.bool_]:
        """Tell which actual log prices lie within their intervals."""
        inside: NDArray[np.bool_] = (actual >= self.low) & (actual <= self.high)
        return inside


class Intervals:
    """The offsets of a manifest, ready for batches."""

    def __init__(self, offsets: Offsets) -> None:
        self._edges, self._low, self._high = map(np.array, (offsets.edges, offsets.low, offsets.high))
        self._classes = np.array(offsets.classes)

    def around(self, log_price: Log, expected_error: Log | None = None) -> Predicted:
        """Return log prices with their intervals; offsets are multiples of the expected error where there is one."""
        band = np.searchsorted(self._edges, log_price)
        size = 1.0 if expected_error is None else expected_error
        return Predicted(
            log_price, log_price + self._low[band] * size, log_price + self._high[band] * size, expected_error
        )

    def classes(self, predicted: Predicted) -> Sequence[Confidence | None]:
        """Return a class of confidence for each prediction, None where the model does not say."""
        if predicted.expected_error is None:
            return [None] * len(predicted.log_price)
        places = np.searchsorted(self._classes, predicted.expected_error)
        return [CLASSES[place] for place in places.tolist()]


def intervals(log_price: Log, offsets: Offsets, expected_error: Log | None = None) -> Predicted:
    """Return log prices with the intervals that a manifest's offsets put around them."""
    return Intervals(offsets).around(log_price, expected_error)
