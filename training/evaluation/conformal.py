"""Intervals around log prices, calibrated on residuals of listings that the model did not see.

Cross-conformal and Mondrian: the training part is predicted fold by fold, and the offsets are quantiles of
log(actual / predicted) within bands of the predicted price. Source: Vovk et al., Algorithmic Learning in a
Random World, chapter 4 (Mondrian predictors).
"""

from collections.abc import Sequence

import numpy as np

from pricing.manifest import Offsets
from training.arrays import Log, Mask
from training.data.groups import folds
from training.model.candidates import Candidate
from training.model.training_part import Rows, TrainingPart, prepare
from training.params import Params

EncodedFolds = Sequence[tuple[Mask, TrainingPart]]  # rows held out, and the other ones encoded without them


def encode_folds(rows: Rows, params: Params, seed: int) -> EncodedFolds:
    """Return each fold's held-out rows, and the others, encoded without them."""
    held = folds(rows.groups, params.interval.folds, seed + 1)
    return [(mask, prepare(rows.take(~mask), params, seed)) for mask in held]


def out_of_fold(candidate: Candidate, rows: Rows, encoded_folds: EncodedFolds, params: Params) -> Log:
    """Return log prices of rows, each from a model that saw no listing of its group."""
    result = np.empty(len(rows.frame))
    for held, part in encoded_folds:
        result[held] = candidate(part, params).predict(rows.frame[held])
    return result


def calibrate(predicted: Log, actual: Log, params: Params) -> Offsets:
    """Return the offsets of each band of predicted log price; bands hold equally many predictions."""
    knobs = params.interval
    edges = np.quantile(predicted, np.linspace(0, 1, knobs.bands + 1)[1:-1])
    band = np.searchsorted(edges, predicted)
    sides = [_sides((actual - predicted)[band == each], knobs.coverage) for each in range(knobs.bands)]
    return Offsets(knobs.coverage, edges.tolist(), [low for low, _ in sides], [high for _, high in sides])


def _sides(residuals: Log, coverage: float) -> tuple[float, float]:
    tail = (1 - coverage) / 2
    rank = min(1.0, (1 - tail) * (len(residuals) + 1) / len(residuals))  # for the listing that is still to come
    high = float(np.quantile(residuals, rank, method="higher"))
    low = -float(np.quantile(-residuals, rank, method="higher"))
    return low, high


def interval(predicted: Log, offsets: Offsets) -> tuple[Log, Log]:
    """Return the log prices between which `offsets.coverage` of the actual ones lie, as serving computes them."""
    band = np.searchsorted(np.array(offsets.edges), predicted)
    return predicted + np.array(offsets.low)[band], predicted + np.array(offsets.high)[band]
