"""A search for better knobs of the champion's recipe, by cross-validation within the training part."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from training.evaluation.conformal import EncodedFolds, out_of_fold
from training.model.candidates import CANDIDATES, CHAMPION
from training.model.training_part import Rows
from training.params import Params


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


def search(rows: Rows, encoded_folds: EncodedFolds, params: Params, tell: Callable[[Trial], None]) -> Found:
    """Try `params.search.trials` sets of knobs; the file's stay unless others are better by more than noise."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=params.seed))
    study.enqueue_trial(_start(params))
    trials: list[Trial] = []

    def objective(trial: Any) -> float:  # noqa: ANN401 - optuna has no types
        tried = _suggest(trial, params)
        predicted = out_of_fold(CANDIDATES[CHAMPION], rows, encoded_folds, tried)
        error = float(np.sqrt(np.mean((rows.log_price - predicted) ** 2)))
        trials.append(Trial(_knobs(tried), error))
        tell(trials[-1])
        return error

    study.optimize(objective, n_trials=params.search.trials)
    if study.best_value < trials[0].error * (1 - params.search.min_gain):
        params = _suggest(optuna.trial.FixedTrial(study.best_params), params)
    return Found(params, tuple(trials))


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
