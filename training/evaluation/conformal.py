"""Intervals around log prices, calibrated on residuals of listings that the model did not see.

Cross-conformal and Mondrian: the training part is predicted fold by fold, and the offsets are quantiles of
log(actual / predicted) within bands of the predicted price. They are taken over all listings that nobody can tell apart
when they are priced: those whose price lies outside the population are among them, though no model learns them. Source:
Vovk et al., Algorithmic Learning in a Random World, chapter 4 (Mondrian predictors).
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
    predicted, _ = fold_predictions(candidate, rows, rows.take(np.zeros(len(rows.groups), bool)), encoded_folds, params)
    return predicted


def fold_predictions(
    candidate: Candidate, rows: Rows, dear: Rows, encoded_folds: EncodedFolds, params: Params
) -> tuple[Log, Log]:
    """Return log prices of the rows that the folds are of, and of others that no model learns, as `out_of_fold` does.

    A group that is among both is held out of both.
    """
    predicted, predicted_dear = np.empty(len(rows.frame)), np.empty(len(dear.frame))
    seed = encoded_folds[0][1].seed
    for (held, part), held_dear in zip(encoded_folds, folds(dear.groups, params.interval.folds, seed + 1), strict=True):
        pricer = candidate(part, params)
        predicted[held] = pricer.predict(rows.frame[held])
        if held_dear.any():
            predicted_dear[held_dear] = pricer.predict(dear.frame[held_dear])
    return predicted, predicted_dear


def calibrated(candidate: Candidate, rows: Rows, dear: Rows, encoded_folds: EncodedFolds, params: Params) -> Offsets:
    """Return the offsets that keep a candidate's promise on rows, which it learns, and on others that it does not."""
    predicted = np.concatenate(fold_predictions(candidate, rows, dear, encoded_folds, params))
    return calibrate(predicted, np.concatenate([rows.log_price, dear.log_price]), params)


def calibrate(predicted: Log, actual: Log, params: Params) -> Offsets:
    """Return the offsets of each band of predicted log price; bands hold equally many predictions."""
    knobs = params.interval
    edges = np.quantile(predicted, np.linspace(0, 1, knobs.bands + 1)[1:-1])
    band = np.searchsorted(edges, predicted)
    residuals = actual - predicted
    parts = [residuals[band == each] for each in range(knobs.bands)]
    sides = [_sides(each if each.size else residuals, knobs.coverage) for each in parts]  # ties may leave a band empty
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
