"""The ratio study of mass appraisal: whether prices are right on the whole, alike, and fair to cheap homes and dear.

A ratio is a predicted price over the actual one. Sources: IAAO, Standard on Ratio Studies (2013), for COD, PRD, PRB and
their limits; Quintos, "A Gini Decomposition of the Sources of Inequality in Property Assessments" (Journal of Property
Tax Assessment & Administration, 2021) for MKI, the modified Kakwani index.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Prices = NDArray[np.float64]
Limits = tuple[float, float]

# Between which a figure speaks for the prices. The COD is that of homes which differ in age and kind of place.
IAAO_LIMITS: Mapping[str, Limits] = MappingProxyType(
    {"median_ratio": (0.9, 1.1), "cod": (5.0, 15.0), "prd": (0.98, 1.03), "prb": (-0.05, 0.05), "mki": (0.95, 1.05)}
)
FEWEST = 10  # homes that a study is made of
DRAWS = 500  # of the bootstrap
BLOCK = 20  # draws computed at once: more of them leave the caches


class RatioStudy(Struct, frozen=True, kw_only=True):
    """The figures of a study of `n` homes.

    `cod` is the mean distance of ratios from their median, in percent of it. `prd`, the mean ratio over the weighted
    one, is above 1 where dear homes are priced too low against cheap ones (regressive). `prb` says by which fraction
    ratios change where the value doubles; negative is regressive. `mki`, the inequality of predicted over that of
    actual prices, is below 1 where prices are regressive. `within_10`, `within_20`: shares of ratios from 0.9 to 1.1,
    and from 0.8 to 1.2.
    """

    n: int
    median_ratio: float
    cod: float
    prd: float
    prb: float
    mki: float
    within_10: float
    within_20: float


FIGURES = tuple(name for name in RatioStudy.__struct_fields__ if name != "n")


def ratio_study(actual: Prices, predicted: Prices) -> RatioStudy:
    """Return the study of N homes, shape (N,) each, N >= 10; raises `ValueError` for fewer."""
    if len(actual) < FEWEST:
        raise ValueError(f"{len(actual)} homes; at least {FEWEST} make a ratio study")
    (found,) = _studies(actual, predicted, np.ones((1, len(actual)), np.int64))
    return RatioStudy(n=len(actual), **dict(zip(FIGURES, found.tolist(), strict=True)))


def bounds(
    actual: Prices, predicted: Prices, groups: NDArray[np.str_], *, draws: int = DRAWS, seed: int = 0
) -> dict[str, Limits]:
    """Return the 95 % bootstrap interval of each figure; `groups`, shape (N,), are drawn: homes in one are alike."""
    weights = drawn_weights(groups, draws, seed)
    weights = weights[weights.sum(axis=1) >= FEWEST]
    found = np.concatenate([_studies(actual, predicted, weights[at : at + BLOCK]) for at in range(0, draws, BLOCK)])
    low, high = np.quantile(found, [0.025, 0.975], axis=0)
    return {name: (float(low[at]), float(high[at])) for at, name in enumerate(FIGURES)}


def _studies(actual: Prices, predicted: Prices, weights: NDArray[np.int64]) -> Prices:
    """Return `FIGURES`, shape (D, 7), of N homes that count for so many each: `weights`, shape (D, N)."""
    ratio, count = predicted / actual, weights.sum(axis=1)
    median = _medians(ratio, weights, count)[:, None]
    off, value = ratio - median, np.log2((predicted / median + actual) / 2)
    spread = value - (weights * value).sum(axis=1, keepdims=True) / count[:, None]
    squares = (weights * spread**2).sum(axis=1)
    lean = (weights * spread * off).sum(axis=1) / median[:, 0]
    equity = vertical_equity(actual, predicted, weights)
    found: Prices = np.column_stack(
        [
            median,
            100 * (weights * np.abs(off)).sum(axis=1) / count / median[:, 0],
            equity[:, 0],
            np.divide(lean, squares, out=np.zeros(len(weights)), where=squares != 0),
            equity[:, 1],
            weights @ (np.abs(ratio - 1) <= 0.1) / count,
            weights @ (np.abs(ratio - 1) <= 0.2) / count,
        ]
    )
    return found


def _medians(values: Prices, weights: NDArray[np.int64], count: NDArray[np.int64]) -> Prices:
    """Return the median of values that count for so many each, shape (D,)."""
    order = np.argsort(values)
    reached = np.cumsum(weights[:, order], axis=1)
    middle = [(reached > half[:, None]).argmax(axis=1) for half in ((count - 1) // 2, count // 2)]
    found: Prices = values[order][middle].mean(axis=0)
    return found


def vertical_equity(actual: Prices, predicted: Prices, weights: NDArray[np.int64]) -> Prices:
    """Return PRD and MKI, shape (D, 2), of N homes that count for so many each: `weights`, shape (D, N)."""
    order = np.argsort(actual, kind="stable")
    actual, predicted, weights = actual[order], predicted[order], weights[:, order]
    count = weights.sum(axis=1)
    ranks = weights * (np.cumsum(weights, axis=1) - weights) + weights * (weights + 1) / 2  # summed over what counts

    def gini(values: Prices) -> Prices:
        found: Prices = (2 * (ranks @ values) / (weights @ values) - (count + 1)) / count
        return found

    prd = (weights @ (predicted / actual) / count) / (weights @ predicted / (weights @ actual))
    spread = gini(actual)
    mki = np.divide(gini(predicted), spread, out=np.ones(len(weights)), where=spread != 0)
    found: Prices = np.column_stack([prd, mki])
    return found


def drawn_weights(groups: NDArray[np.str_], draws: int, seed: int) -> NDArray[np.int64]:
    """Return how often each home is drawn when groups are, with replacement: shape (draws, N)."""
    _, place = np.unique(groups, return_inverse=True)
    count = int(place.max()) + 1
    drawn = np.random.default_rng(seed).integers(count, size=(draws, count))
    found: NDArray[np.int64] = np.stack([np.bincount(each, minlength=count) for each in drawn])[:, place]
    return found


def by_tercile(actual: Prices, study: Callable[[NDArray[np.bool_]], RatioStudy]) -> list[RatioStudy]:
    """Return the study of each third of homes by actual price, the cheapest first."""
    third = np.searchsorted(np.quantile(actual, [1 / 3, 2 / 3]), actual)
    return [study(third == each) for each in range(3)]


def outside(study: RatioStudy) -> list[str]:
    """Return the figures that are not between the IAAO's limits."""
    return [name for name, (low, high) in IAAO_LIMITS.items() if not low <= getattr(study, name) <= high]
