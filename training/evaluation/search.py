"""A search for better knobs of the champion's recipe, by cross-validation within the training part."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec
import numpy as np

from training.evaluation.conformal import EncodedFolds, predicted_unseen
from training.evaluation.fits import Fits
from training.model.candidates import CANDIDATES, CHAMPION
from training.model.training_part import Rows
from training.params import Params

BLIND = 10  # first trials, drawn whatever became of the others


@dataclass(frozen=True, slots=True)
class Trial:
    """Knobs that were tried, and the error they gave: RMSE of the log price, out of fold."""

    knobs: dict[str, dict[str, Any]]
    error: float


@dataclass(frozen=True, slots=True)
class Found:
    """The knobs to train with, and all that were tried; the first trial is what `params.yaml` says."""

    params: Params
    trials: tuple[Trial, ...]


def search(rows: Rows, encoded_folds: EncodedFolds, params: Params, tell: Callable[[Trial], None], fits: Fits) -> Found:
    """Try `params.search.trials` sets of knobs; the file's stay unless others are better by more than noise.

    What is tried does not depend on how many cores there are: only trials that are drawn blindly share them.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=params.seed, n_startup_trials=BLIND)
    study = optuna.create_study(sampler=sampler)
    study.enqueue_trial(_start(params))
    trials: list[Trial] = []
    while left := params.search.trials - len(trials):
        asked = [study.ask() for _ in range(min(left, fits.cores.count, max(BLIND - len(trials), 1)))]
        tried = [_suggest(trial, params) for trial in asked]
        for trial, knobs, error in zip(asked, tried, _errors(tried, rows, encoded_folds, fits), strict=True):
            study.tell(trial, error)
            trials.append(Trial(_knobs(knobs), error))
            tell(trials[-1])
    if study.best_value < trials[0].error * (1 - params.search.min_gain):
        params = _suggest(optuna.trial.FixedTrial(study.best_params), params)
    return Found(params, tuple(trials))


def _errors(tried: Sequence[Params], rows: Rows, encoded_folds: EncodedFolds, fits: Fits) -> Iterator[float]:
    """Yield the error of each set of knobs, all fitted side by side."""
    asked = [(CANDIDATES[CHAMPION], part, params) for params in tried for _, part in encoded_folds]
    pricers = iter(fits.pricers(asked, keep=False))
    for params in tried:
        unseen = list(islice(pricers, len(encoded_folds)))
        predicted = predicted_unseen(unseen, rows, encoded_folds, params)
        yield float(np.sqrt(np.mean((rows.log_price - predicted) ** 2)))


def _suggest(trial: Any, params: Params) -> Params:  # noqa: ANN401
    """Return the knobs with a trial's in their places; whole numbers stay whole."""
    knobs = _knobs(params)
    for name, (low, high) in params.search.ranges.items():
        group, knob = name.split(".")
        if isinstance(knobs[group][knob], int):
            knobs[group][knob] = trial.suggest_int(name, int(low), int(high))
        else:
            knobs[group][knob] = trial.suggest_float(name, low, high, log=True)
    return msgspec.convert(msgspec.to_builtins(params) | knobs, Params)


def _knobs(params: Params) -> dict[str, dict[str, Any]]:
    return {"boosting": msgspec.to_builtins(params.boosting), "kernel": msgspec.to_builtins(params.kernel)}


def _start(params: Params) -> dict[str, Any]:
    knobs = _knobs(params)
    return {name: knobs[group][knob] for name in params.search.ranges for group, knob in [name.split(".")]}
