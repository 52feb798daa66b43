"""The champion's recipe and the baseline over group splits of the fixed population."""

from collections.abc import Callable, Iterator, Mapping
from statistics import fmean
from typing import Any

from msgspec.structs import asdict

from lambdas.drift.ratio_study import IAAO_LIMITS
from pricing.manifest import Offsets
from training.data.groups import split
from training.data.listings import Dataset, population_rule
from training.evaluation.conformal import calibrated, encode_folds
from training.evaluation.fairness import study_of
from training.evaluation.figures import Figures, figures, point_figures
from training.model.candidates import BASELINE, CANDIDATES, CHAMPION
from training.model.training_part import Pricer, Rows, dear_rows_of, prepare, rows_of
from training.params import Params


def fit_with_interval(name: str, rows: Rows, dear: Rows, params: Params, seed: int) -> tuple[Pricer, Offsets]:
    """Fit a candidate on a training part, and calibrate its interval on it and on the dear listings beside it."""
    candidate = CANDIDATES[name]
    offsets = calibrated(candidate, rows, dear, encode_folds(rows, params, seed), params)
    return candidate(prepare(rows, params, seed), params), offsets


def over_splits(data: Dataset, params: Params) -> Iterator[tuple[Figures, Figures]]:
    """Yield the champion's and the baseline's figures on one group split after the other."""
    rows, dear = rows_of(data), dear_rows_of(data)
    for seed in range(params.seed, params.seed + params.split.splits):
        held = split(rows.groups, seed, params.split.test_share)
        training, test = rows.take(~held), rows.take(held)
        beside = dear.take(~split(dear.groups, seed, params.split.test_share))
        pricer, offsets = fit_with_interval(CHAMPION, training, beside, params, seed)
        baseline = CANDIDATES[BASELINE](prepare(training, params, seed), params)
        predicted = pricer.predict(test.frame)
        study = {f"ratio_{name}": value for name, value in asdict(study_of(test, predicted)).items() if name != "n"}
        yield (
            figures(predicted, offsets, test) | study,
            point_figures(test.log_price, baseline.predict(test.frame)),
        )


def mean_figures(rows: list[Figures]) -> Figures:
    """Return the mean of each figure, by place in lists."""
    return {
        name: [fmean(column) for column in zip(*(row[name] for row in rows), strict=True)]
        if isinstance(value, list)
        else fmean(row[name] for row in rows)
        for name, value in rows[0].items()
    }


def document(
    data: Dataset, params: Params, test: Figures, version: str | None, progress: Callable[[], None] = lambda: None
) -> Figures:
    """Return what `belo evaluate --json` prints, given the figures of the version under test."""
    champion: list[Figures] = []
    baseline: list[Figures] = []
    for ours, plain in over_splits(data, params):
        champion.append(ours)
        baseline.append(plain)
        progress()
    means = mean_figures(champion)
    splits = _only(means, "rmse", "median_ape", "r2", "coverage", "coverage_by_price_tercile")
    ratios = {name.removeprefix("ratio_"): value for name, value in means.items() if name.startswith("ratio_")}
    return {
        "model": {"version": version},
        "population": {"rule": population_rule(data.market), "rows": len(data.frame)},
        "test": _without(test, "ratio_study", "behaviour"),
        "splits": {"n": params.split.splits} | splits,
        "ratio_study": {
            "splits": ratios,
            "test": test.get("ratio_study"),
            "iaao_limits": {name: list(limits) for name, limits in IAAO_LIMITS.items()},
        },
        "behaviour": test.get("behaviour"),
        "baseline": _only(mean_figures(baseline), "rmse", "median_ape", "r2"),
    }


def _without(row: Mapping[str, Any], *names: str) -> Figures:
    return {key: value for key, value in row.items() if key not in names}


def _only(row: Mapping[str, Any], *names: str) -> Figures:
    return {name: row[name] for name in names}
