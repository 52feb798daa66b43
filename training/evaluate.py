"""How good a model is: figures on a test part, and their means over group splits of the fixed population."""

from collections.abc import Callable, Iterator, Mapping
from statistics import fmean
from typing import Any

import numpy as np

from pricing.manifest import Offsets
from training.candidates import BASELINE, CANDIDATES, CHAMPION
from training.conformal import calibrate, inner_parts, interval, out_of_fold
from training.data import POPULATION, Dataset
from training.groups import split
from training.levels import Log
from training.params import Params
from training.parts import Pricer, Rows, prepare

Figures = dict[str, Any]


def point_figures(actual: Log, predicted: Log) -> Figures:
    """Return errors of log prices as errors of prices: BRL for rmse and mae, fractions for the others.

    `bias` is the mean of log(actual / predicted): positive where prices are predicted too low.
    """
    price, said = np.exp(actual), np.exp(predicted)
    squares = float(np.sum((price - said) ** 2))
    return {
        "rows": len(price),
        "rmse": float(np.sqrt(squares / len(price))),
        "mae": float(np.mean(np.abs(price - said))),
        "median_ape": float(np.median(np.abs(said / price - 1))),
        "r2": 1 - squares / spread if (spread := float(np.sum((price - price.mean()) ** 2))) else float("nan"),
        "bias": float(np.mean(actual - predicted)),
    }


def interval_figures(actual: Log, predicted: Log, offsets: Offsets) -> Figures:
    """Return the interval's coverage, by tercile of the actual price too, and its median width over the price."""
    low, high = interval(predicted, offsets)
    inside = (actual >= low) & (actual <= high)
    tercile = np.searchsorted(np.quantile(actual, [1 / 3, 2 / 3]), actual)
    return {
        **width_and_coverage(actual, predicted, offsets),
        "coverage_by_price_tercile": [float(inside[tercile == each].mean()) for each in range(3)],
    }


def width_and_coverage(actual: Log, predicted: Log, offsets: Offsets) -> Figures:
    """Return the share of actual prices in the interval, and its median width over the predicted price."""
    low, high = interval(predicted, offsets)
    return {
        "coverage": float(((actual >= low) & (actual <= high)).mean()),
        "relative_width": float(np.median((np.exp(high) - np.exp(low)) / np.exp(predicted))),
    }


def rows_of(data: Dataset) -> Rows:
    """Return a file's population with log prices."""
    return Rows(data.frame, np.log(data.frame["price"].to_numpy(dtype=np.float64)), data.groups)


def fit_with_interval(name: str, rows: Rows, params: Params, seed: int) -> tuple[Pricer, Offsets]:
    """Fit a candidate, and calibrate its interval, on a training part alone."""
    candidate = CANDIDATES[name]
    said = out_of_fold(candidate, rows, inner_parts(rows, params, seed), params)
    return candidate(prepare(rows, params, seed), params), calibrate(said, rows.log_price, params)


def figures(predicted: Log, offsets: Offsets, test: Rows) -> Figures:
    """Return all figures of log prices predicted for a test part."""
    return point_figures(test.log_price, predicted) | interval_figures(test.log_price, predicted, offsets)


def over_splits(data: Dataset, params: Params) -> Iterator[tuple[Figures, Figures]]:
    """Yield the champion's and the baseline's figures on one group split after the other."""
    rows = rows_of(data)
    for seed in range(params.seed, params.seed + params.split.splits):
        held = split(rows.groups, seed, params.split.test_share)
        training, test = rows.take(~held), rows.take(held)
        pricer, offsets = fit_with_interval(CHAMPION, training, params, seed)
        baseline = CANDIDATES[BASELINE](prepare(training, params, seed), params)
        yield (
            figures(pricer.predict(test.frame), offsets, test),
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
    splits = _only(mean_figures(champion), "rmse", "median_ape", "r2", "coverage", "coverage_by_price_tercile")
    return {
        "model": {"version": version},
        "population": {"rule": POPULATION, "rows": len(data.frame)},
        "test": test,
        "splits": {"n": params.split.splits} | splits,
        "baseline": _only(mean_figures(baseline), "rmse", "median_ape", "r2"),
    }


def _only(row: Mapping[str, Any], *names: str) -> Figures:
    return {name: row[name] for name in names}
