"""Exact probabilities of counts, with numpy alone.

Source of the bounds: Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the
binomial", Biometrika 26 (1934). Of the comparison of two shares: Fisher's exact test.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray


def at_least(k: int, n: int, p: float) -> float:
    """Return the probability of k or more among n, each with probability p."""
    if k <= 0:
        return 1.0
    if p <= 0 or k > n:
        return 0.0
    if p >= 1:
        return 1.0
    facts = _log_factorials(n)
    x = np.arange(k, n + 1)
    logs = facts[n] - facts[x] - facts[n - x] + x * np.log(p) + (n - x) * np.log1p(-p)
    return min(1.0, float(np.exp(logs).sum()))


def bounds(k: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the Clopper-Pearson bounds of a share of which k among n were seen."""
    tail = (1 - confidence) / 2
    low = 0.0 if k == 0 else _solve(lambda p: at_least(k, n, p) < tail)
    high = 1.0 if k == n else _solve(lambda p: 1 - at_least(k + 1, n, p) > tail)
    return low, high


def no_fewer(k: int, n: int, reference_k: int, reference_n: int) -> float:
    """Return the probability that a sample of n has k or more, were it drawn from what the reference was drawn from.

    One-sided Fisher: both samples pooled, which of them the k + reference_k fell into is chance.
    """
    marked, total = k + reference_k, n + reference_n
    facts = _log_factorials(total)
    x = np.arange(k, min(n, marked) + 1)

    def choose(a: int, b: NDArray[np.int64]) -> NDArray[np.float64]:
        ways: NDArray[np.float64] = facts[a] - facts[b] - facts[a - b]
        return ways

    x = x[n - x <= total - marked]
    logs = choose(marked, x) + choose(total - marked, n - x) - (facts[total] - facts[n] - facts[total - n])
    return min(1.0, float(np.exp(logs).sum()))


def different(k: int, n: int, reference_k: int, reference_n: int) -> float:
    """Return the two-sided probability: twice the smaller tail."""
    more = no_fewer(k, n, reference_k, reference_n)
    fewer = no_fewer(n - k, n, reference_n - reference_k, reference_n)
    return min(1.0, 2 * min(more, fewer))


def _log_factorials(n: int) -> NDArray[np.float64]:
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])


def _solve(below: Callable[[float], bool]) -> float:
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) else (low, middle)
    return (low + high) / 2
