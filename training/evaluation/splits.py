"""The champion's recipe and the baseline over group splits of the fixed population."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isnan
from statistics import fmean
from typing import Any

from msgspec.structs import asdict

from lambdas.drift.ratio_study import FIGURES as RATIO_FIGURES
from lambdas.drift.ratio_study import IAAO_LIMITS
from pricing.answer.interval import Predicted, intervals
from training.data.groups import split
from training.data.listings import Dataset, population_rule
from training.evaluation.confidence import confidence, count_listings
from training.evaluation.conformal import Calibrated, calibrated, encode_folds
from training.evaluation.fairness import study_of
from training.evaluation.figures import Figures, figures, point_figures
from training.model.candidates import BASELINE, CANDIDATES, CHAMPION
from training.model.training_part import Rows, dear_rows_of, prepare, rows_of
from training.params import Params


def over_splits(data: Dataset, params: Params) -> Iterator[tuple[Figures, Figures]]:
    """Yield the champion's and the baseline's figures on one group split after the other."""
    rows, dear = rows_of(data), dear_rows_of(data)
    for seed in range(params.seed, params.seed + params.split.splits):
        held = split(rows.groups, seed, params.split.test_share)
        training, test = rows.take(~held), rows.take(held)
        beside = dear.take(~split(dear.groups, seed, params.split.test_share))
        part = prepare(training, params, seed)
        ours = calibrated(CANDIDATES[CHAMPION], part, beside, encode_folds(training, params, seed), params)
        predicted = said_by(ours, test)
        learnt = count_listings(training.frame)
        baseline = CANDIDATES[BASELINE](part, params)
        yield (
            figures(predicted, test)
            | {
                "ratio_study": _only(asdict(study_of(test, predicted.log_price)), *RATIO_FIGURES),
                "classes": confidence(test, predicted, ours.offsets, learnt),
            },
            point_figures(test.log_price, baseline.predict(test.frame)),
        )


def said_by(model: Calibrated, test: Rows) -> Predicted:
    """Return what scikit-learn's model says of a test part."""
    pricer = model.pricer
    return intervals(pricer.predict(test.frame), model.offsets, pricer.expected_error(test.frame))


def mean_figures(rows: Sequence[Any]) -> Any:  # noqa: ANN401 - figures are numbers, and lists and objects of such
    """Return the mean of each figure, by place in lists and by name in objects; of those that there are."""
    first = rows[0]
    if isinstance(first, Mapping):
        return {name: mean_figures([row[name] for row in rows]) for name in first}
    if isinstance(first, list):
        return [mean_figures(column) for column in zip(*rows, strict=True)]
    known = [row for row in rows if row is not None and not isnan(row)]
    return fmean(known) if known else None


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
    splits = _only(means, "rmse", "median_ape", "r2", "coverage", "relative_width", "coverage_by_price_tercile")
    return {
        "model": {"version": version},
        "population": {"rule": population_rule(data.market), "rows": len(data.frame)},
        "test": _without(test, "ratio_study", "classes", "behaviour"),
        "splits": {"n": params.split.splits} | splits,
        "ratio_study": {
            "splits": means["ratio_study"],
            "test": test.get("ratio_study"),
            "iaao_limits": {name: list(limits) for name, limits in IAAO_LIMITS.items()},
        },
        "classes": {"splits": means["classes"], "test": test.get("classes")},
        "behaviour": test.get("behaviour"),
        "baseline": _only(mean_figures(baseline), "rmse", "median_ape", "r2"),
    }


def _without(row: Mapping[str, Any], *names: str) -> Figures:
    return {key: value for key, value in row.items() if key not in names}


def _only(row: Mapping[str, Any], *names: str) -> Figures:
    return {name: row[name] for name in names}
