"""A search for better knobs of the champion's recipe, by cross-validation within the training part."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from training.candidates import CANDIDATES, CHAMPION
from training.conformal import out_of_fold
from training.groups import Mask
from training.params import Params
from training.parts import Part, Rows

Inner = Sequence[tuple[Mask, Part]]


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


def search(rows: Rows, inner: Inner, params: Params, tell: Callable[[Trial], None]) -> Found:
    """Try `params.search.trials` sets of knobs; the file's stay unless others are better by more than noise."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=params.seed))
    study.enqueue_trial(_flat(params))
    trials: list[Trial] = []

    def objective(trial: Any) -> float:  # noqa: ANN401 - optuna has no types
        tried = _suggest(trial, params)
        said = out_of_fold(CANDIDATES[CHAMPION], rows, inner, tried)
        error = float(np.sqrt(np.mean((rows.log_price - said) ** 2)))
        trials.append(Trial(_knobs(tried), error))
        tell(trials[-1])
        return error

    study.optimize(objective, n_trials=params.search.trials)
    if study.best_value < trials[0].error * (1 - params.search.min_gain):
        params = _suggest(optuna.trial.FixedTrial(study.best_params), params)
    return Found(params, tuple(trials))


def _suggest(trial: Any, params: Params) -> Params:  # noqa: ANN401
    """Return knobs within bounds that keep serving as cheap, and the kernel as exact, as they are."""
    boosting = msgspec.structs.replace(
        params.boosting,
        leaves=trial.suggest_int("leaves", 24, params.boosting.leaves),
        learning_rate=trial.suggest_float("learning_rate", 0.04, 0.15, log=True),
        min_samples_leaf=trial.suggest_int("min_samples_leaf", 2, 20),
        l2=trial.suggest_float("l2", 0.1, 20.0, log=True),
        max_features=trial.suggest_float("max_features", 0.2, 0.8),
    )
    kernel = msgspec.structs.replace(
        params.kernel,
        gamma=trial.suggest_float("gamma", 0.02, 0.1, log=True),
        alpha=trial.suggest_float("alpha", 0.2, 2.0, log=True),
    )
    return msgspec.structs.replace(params, boosting=boosting, kernel=kernel)


def _knobs(params: Params) -> dict[str, dict[str, Any]]:
    return {"boosting": msgspec.to_builtins(params.boosting), "kernel": msgspec.to_builtins(params.kernel)}


def _flat(params: Params) -> dict[str, Any]:
    knobs = _knobs(params)
    names = ("leaves", "learning_rate", "min_samples_leaf", "l2", "max_features")
    return {name: knobs["boosting"][name] for name in names} | {
        name: knobs["kernel"][name] for name in ("gamma", "alpha")
    }
