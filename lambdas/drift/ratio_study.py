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
    ratio = predicted / actual
    median = float(np.median(ratio))
    value = np.log2((predicted / median + actual) / 2)
    spread = value - value.mean()
    squares = float(spread @ spread)
    ordered = np.argsort(actual, kind="stable")
    return RatioStudy(
        n=len(actual),
        median_ratio=median,
        cod=float(100 * np.mean(np.abs(ratio - median)) / median),
        prd=float(ratio.mean() / (predicted.sum() / actual.sum())),
        prb=float(spread @ ((ratio - median) / median) / squares) if squares else 0.0,
        mki=_over(_gini(predicted[ordered]), _gini(actual[ordered])),
        within_10=float(np.mean(np.abs(ratio - 1) <= 0.1)),
        within_20=float(np.mean(np.abs(ratio - 1) <= 0.2)),
    )


def _gini(values: Prices) -> float:
    """Return how unequal values are in the order given: the area between their Lorenz curve and the diagonal."""
    n = len(values)
    return float((2 * (values @ np.arange(1, n + 1)) / values.sum() - (n + 1)) / n)


def _over(one: float, other: float) -> float:
    return one / other if other else 1.0


def bounds(
    actual: Prices, predicted: Prices, groups: NDArray[np.str_], *, draws: int = DRAWS, seed: int = 0
) -> dict[str, Limits]:
    """Return the 95 % bootstrap interval of each figure; `groups`, shape (N,), are drawn: homes in one are alike."""
    samples = (np.repeat(np.arange(len(actual)), each) for each in drawn_weights(groups, draws, seed))
    found = [
        [getattr(ratio_study(actual[rows], predicted[rows]), name) for name in FIGURES]
        for rows in samples
        if len(rows) >= FEWEST
    ]
    low, high = np.quantile(found, [0.025, 0.975], axis=0)
    return {name: (float(low[at]), float(high[at])) for at, name in enumerate(FIGURES)}


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
