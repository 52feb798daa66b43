"""How large a model's error will be: small trees on the sizes of its errors on listings that it had not seen.

They read the columns that the model reads, and are written into its graph as a second output. Source: Lei, G'Sell,
Rinaldo, Tibshirani and Wasserman, Distribution-free predictive inference for regression (2018), 5.2: locally weighted
conformal intervals.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor

from training.arrays import Floats, Log
from training.model.onnx_graph import Node
from training.model.trees import fit_boosting, write_boosting
from training.params import Boosting

LEAST = 0.04  # of a log price; of no home is a model surer


@dataclass(frozen=True, slots=True)
class ErrorSizes:
    """Expected sizes of errors of the log price."""

    learner: HistGradientBoostingRegressor

    def predict(self, columns: Floats) -> Log:
        """Return the expected |log(actual / predicted)|, shape (N,), at least `LEAST`."""
        return np.maximum(np.asarray(self.learner.predict(columns), dtype=np.float64), LEAST)

    def write(self, columns: Node) -> Node:
        """Write the same into a graph."""
        return columns.graph.op("Max", write_boosting(columns, self.learner), LEAST)


def fit_error_sizes(columns: Floats, sizes: Log, knobs: Boosting, seed: int) -> ErrorSizes:
    """Learn from columns of shape (N, K) and sizes of errors of shape (N,), each of a fit that had not seen the row."""
    return ErrorSizes(fit_boosting(columns, sizes, knobs, seed))


def cross_fitted_sizes(columns: Floats, sizes: Log, fold: NDArray[np.int64], knobs: Boosting, seed: int) -> Log:
    """Return what is expected of each row by a fit on the other folds, shape (N,)."""
    expected = np.empty(len(sizes))
    for each in np.unique(fold):
        held = fold == each
        expected[held] = fit_error_sizes(columns[~held], sizes[~held], knobs, seed).predict(columns[held])
    return expected
