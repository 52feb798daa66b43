"""Intervals around log prices, calibrated on residuals of listings that the model did not see.

Cross-conformal and Mondrian: the training part is predicted fold by fold, and the offsets are quantiles of
log(actual / predicted), over the error that the model expects, within bands of the predicted price. They are taken over
all listings that nobody can tell apart when they are priced: those whose price lies outside the population are among
them, though no model learns them. Sources: Vovk et al., Algorithmic Learning in a Random World, chapter 4 (Mondrian
predictors); for the expected errors see `training.model.expected_error`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pricing.answer.interval import CLASSES, Predicted, intervals
from pricing.manifest import Offsets
from training.arrays import Floats, Log, Mask
from training.data.groups import folds
from training.evaluation.fits import Fits
from training.model.candidates import Candidate
from training.model.cores import ALONE, Cores
from training.model.ensemble import Ensemble
from training.model.expected_error import cross_fitted_sizes, fit_error_sizes
from training.model.features import matrix
from training.model.training_part import Pricer, Rows, TrainingPart, prepare, together
from training.params import Params

EncodedFolds = Sequence[tuple[Mask, TrainingPart]]  # rows held out, and the other ones encoded without them


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Listings priced by fits that had seen no listing of their group.

    Actual and predicted log prices of shape (N,), the columns that the fits read of shape (N, K), and folds, (N,).
    """

    log_price: Log
    predicted: Log
    columns: Floats
    fold: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A pricer that says how sure it is, its interval, and what it said of the listings it was calibrated on."""

    pricer: Pricer
    offsets: Offsets
    held_out: Predicted


def encode(rows: Rows, params: Params, seed: int, cores: Cores = ALONE) -> tuple[TrainingPart, EncodedFolds]:
    """Return rows encoded for training, whole and by fold."""
    held = list(folds(rows.groups, params.interval.folds, seed + 1))
    parts = [rows, *(rows.take(~mask) for mask in held)]
    whole, *others = cores.run([partial(prepare, each, params, seed) for each in parts])
    return whole, list(zip(held, others, strict=True))


def encode_folds(rows: Rows, params: Params, seed: int) -> EncodedFolds:
    """Return each fold's held-out rows, and the others, encoded without them."""
    held = folds(rows.groups, params.interval.folds, seed + 1)
    return [(mask, prepare(rows.take(~mask), params, seed)) for mask in held]


def out_of_fold(candidate: Candidate, rows: Rows, encoded_folds: EncodedFolds, params: Params) -> Log:
    """Return log prices of rows, each from a model that saw no listing of its group."""
    pricers = Fits().pricers([(candidate, part, params) for _, part in encoded_folds])
    return predicted_unseen(pricers, rows, encoded_folds, params)


def predicted_unseen(pricers: Sequence[Pricer], rows: Rows, encoded_folds: EncodedFolds, params: Params) -> Log:
    """Return the same of models that have been fitted, one on each fold's part."""
    nobody = rows.take(np.zeros(len(rows.groups), bool))
    return asked_unseen(pricers, rows, nobody, encoded_folds, params).predicted


def held_out(candidate: Candidate, rows: Rows, dear: Rows, encoded_folds: EncodedFolds, params: Params) -> HeldOut:
    """Return the rows that the folds are of, and after them others that no model learns, as they are priced unseen.

    A group that is among both is held out of both.
    """
    pricers = Fits().pricers([(candidate, part, params) for _, part in encoded_folds])
    return asked_unseen(pricers, rows, dear, encoded_folds, params)


def asked_unseen(
    pricers: Sequence[Pricer], rows: Rows, dear: Rows, encoded_folds: EncodedFolds, params: Params
) -> HeldOut:
    """Return the same of models that have been fitted, one on each fold's part."""
    every = together(rows, dear)
    predicted, fold = np.empty(len(every.frame)), np.empty(len(every.frame), dtype=np.int64)
    columns: list[Floats] = []
    seed = encoded_folds[0][1].seed
    beside = folds(dear.groups, params.interval.folds, seed + 1)
    order = []
    for each, (pricer, (held, part), held_dear) in enumerate(zip(pricers, encoded_folds, beside, strict=True)):
        place = np.flatnonzero(np.concatenate([held, held_dear]))
        frame = every.frame.iloc[place].reset_index(drop=True)
        predicted[place], fold[place] = pricer.predict(frame), each
        columns.append(matrix(frame, part.levels))
        order.append(place)
    return HeldOut(every.log_price, predicted, np.concatenate(columns)[np.argsort(np.concatenate(order))], fold)


def calibrated(
    candidate: Candidate,
    part: TrainingPart,
    dear: Rows,
    encoded_folds: EncodedFolds,
    params: Params,
    fits: Fits | None = None,
) -> Calibrated:
    """Fit a candidate on a training part, with the interval that keeps its promise on what its folds had not seen.

    `dear` are listings beside the part that no model learns. An `Ensemble` learns from the folds, too, how large its
    errors are; another pricer does not say.
    """
    fits, seed = fits or Fits(), part.seed
    *unseen, pricer = fits.pricers([(candidate, each, params) for each in (*(each for _, each in encoded_folds), part)])
    held = asked_unseen(unseen, part.rows, dear, encoded_folds, params)
    sizes = np.abs(held.log_price - held.predicted)
    expected = None
    if isinstance(pricer, Ensemble):
        knobs = params.expected_error
        expected, errors = fits.cores.both(
            partial(cross_fitted_sizes, held.columns, sizes, held.fold, knobs, seed),
            partial(fit_error_sizes, held.columns, sizes, knobs, seed),
        )
        pricer = replace(pricer, errors=errors)
    offsets = calibrate(held.predicted, held.log_price, params, expected)
    return Calibrated(pricer, offsets, intervals(held.predicted, offsets, expected))


def calibrate(predicted: Log, actual: Log, params: Params, expected_error: Log | None = None) -> Offsets:
    """Return the offsets of each band of predicted log price; bands hold equally many predictions.

    With expected errors, shape (N,), offsets are multiples of them, and the classes of confidence hold equally many
    predictions, too.
    """
    knobs = params.interval
    edges = np.quantile(predicted, _shares(knobs.bands))
    band = np.searchsorted(edges, predicted)
    residuals = actual - predicted
    if expected_error is not None:
        residuals = residuals / expected_error
    parts = [residuals[band == each] for each in range(knobs.bands)]
    sides = [_sides(each if each.size else residuals, knobs.coverage) for each in parts]  # ties may leave a band empty
    classes = [] if expected_error is None else np.quantile(expected_error, _shares(len(CLASSES))).tolist()
    return Offsets(knobs.coverage, edges.tolist(), [low for low, _ in sides], [high for _, high in sides], classes)


def _shares(parts: int) -> Log:
    return np.linspace(0, 1, parts + 1)[1:-1]


def _sides(residuals: Log, coverage: float) -> tuple[float, float]:
    tail = (1 - coverage) / 2
    rank = min(1.0, (1 - tail) * (len(residuals) + 1) / len(residuals))  # for the listing that is still to come
    high = float(np.quantile(residuals, rank, method="higher"))
    low = -float(np.quantile(-residuals, rank, method="higher"))
    return low, high
