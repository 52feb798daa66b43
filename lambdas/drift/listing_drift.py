"""Have the listings changed? A window of predictions against the champion's training part.

Distributions are compared by the population stability index, PSI = sum of (window - reference) * log(window /
reference) over bins. The usual limits (0.1, 0.2) ring falsely on small windows, so that the limit here is the larger of
0.1 and what a window of this size reaches by chance: simulated, with the noise that is in the reference itself.
Shares (unknown values, neighbourhoods never seen, dead letters) are compared by exact tests, and must differ by an
amount that matters, too. Each comparison gets the same part of `alpha`.
"""

import functools
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from lambdas.archive_bucket.prediction_rows import ArchivedPrediction
from lambdas.drift import exact_tests as exact
from pricing.places import NameKey, place_key
from pricing.reference import Bins, Reference

Counts = NDArray[np.int64]

MIN_WINDOW = 100  # predictions; fewer say nothing about a distribution
PSI_FLOOR = 0.1  # a smaller index matters to nobody, however sure it is
SHARE_FLOOR = 0.05  # the same for shares
DEAD_LETTERS = 0.01  # share of records that may be refused; the manifest knows no usual one
NAMED = 0.01  # share from which a neighbourhood is a bin of its own

HALF = 0.5  # added to every count, so that an empty bin has a logarithm
DRAWS = 4_000  # simulated windows
TAIL = 0.05  # of them, from which the limit is extrapolated


class DistributionCheck(Struct, frozen=True, kw_only=True):
    """One comparison: `value` of the window against `reference`, rings above `limit` (PSI) or `p` below `alpha`."""

    name: str
    test: Literal["psi", "missing", "unseen", "dead letters"]
    value: float
    reference: float
    alpha: float
    rang: bool
    limit: float | None = None
    p: float | None = None


class Distribution(Struct, frozen=True, kw_only=True):
    """Counts of a window in the reference's bins; `labels` name the bins."""

    name: str
    labels: list[str]
    shares: list[float]  # of the reference
    counts: list[int]


def compare_window(
    rows: Sequence[ArchivedPrediction],
    dead_letters: int,
    reference: Reference,
    alpha: float,
    key: NameKey = place_key,
) -> list[DistributionCheck]:
    """Return every comparison that the window is large enough for; together they ring falsely with `alpha`.

    A listing that came several times is one home, as it came last. `key`: by what names of neighbourhoods are the same.
    """
    part = alpha / (len(reference.numeric) + 2 + len(reference.missing) + 2)
    found = [_dead_letters(len(rows), dead_letters, part)] if rows or dead_letters else []
    rows = one_a_listing(rows)
    if len(rows) < MIN_WINDOW:
        return found
    found += [psi_check(each, reference.rows, part) for each in distributions(rows, reference, key)]
    for name, share in reference.missing.items():
        found.append(_missing(name, _missing_count(rows, name), len(rows), share, reference.rows, part))
    known = set(map(key, reference.neighborhood))
    unseen = sum(key(row.neighborhood) not in known for row in rows)
    return [*found, _unseen(unseen, len(rows), reference, part)]


def one_a_listing(rows: Sequence[ArchivedPrediction]) -> list[ArchivedPrediction]:
    """Return the newest prediction of each listing, in the order of arrival."""
    newest = {row.listing_id: row for row in sorted(rows, key=lambda row: row.arrived_at)}
    return sorted(newest.values(), key=lambda row: row.arrived_at)


def distributions(
    rows: Sequence[ArchivedPrediction], reference: Reference, key: NameKey = place_key
) -> list[Distribution]:
    """Return where the window's values fall, for each thing that the reference has a distribution of."""
    found = [_binned(name, _column(rows, name), bins) for name, bins in reference.numeric.items()]
    return [*found, _neighborhoods(rows, reference, key), _prices(rows, reference.log_price)]


def psi_check(found: Distribution, reference_rows: int, alpha: float) -> DistributionCheck:
    """Return the comparison of one distribution."""
    counts = np.array(found.counts)
    value = float(psi(counts, np.array(found.shares), reference_rows)) if counts.sum() else 0.0
    limit = psi_limit(tuple(found.shares), reference_rows, int(counts.sum()), alpha)
    return DistributionCheck(
        name=found.name, test="psi", value=value, reference=0.0, limit=limit, alpha=alpha, rang=value > limit
    )


def psi(counts: Counts, shares: NDArray[np.float64], reference_rows: int) -> NDArray[np.float64]:
    """Return the population stability index of counts, shape (..., bins), against shares, shape (bins,)."""
    bins = len(shares)
    window = (counts + HALF) / (counts.sum(axis=-1, keepdims=True) + HALF * bins)
    reference = (shares * reference_rows + HALF) / (reference_rows + HALF * bins)
    index: NDArray[np.float64] = np.sum((window - reference) * np.log(window / reference), axis=-1)
    return index


def psi_limit(shares: tuple[float, ...], reference_rows: int, window: int, alpha: float) -> float:
    """Return the index that a window of that size, drawn from what the reference was drawn from, exceeds with alpha.

    `alpha` is far smaller than simulation reaches: beyond the largest `TAIL` of the simulated windows the tail is
    taken as exponential with their mean excess. Against 200,000 windows drawn, the index reached by 1 in 10,000 comes
    out 8 % low for windows of 100, and within 3 % (many bins: 8 % high) from 300 on.
    """
    if window < 1 or len(shares) < 2:
        return PSI_FLOOR
    step = 10 ** max(0, len(str(window)) - 2)  # two digits, rounded down: fewer simulations, and a larger limit
    threshold, excess = _null(shares, reference_rows, window // step * step)
    return max(PSI_FLOOR, threshold + excess * float(np.log(TAIL / min(alpha, TAIL))))


@functools.lru_cache(maxsize=4_096)
def _null(shares: tuple[float, ...], reference_rows: int, window: int) -> tuple[float, float]:
    draw = np.random.default_rng(20211124)
    known = np.array(shares)
    truth = draw.dirichlet(known * reference_rows + HALF, size=DRAWS)  # what the reference may have been drawn from
    index = psi(draw.multinomial(window, truth), known, reference_rows)
    threshold = float(np.quantile(index, 1 - TAIL))
    return threshold, float((index[index > threshold] - threshold).mean())


def _binned(name: str, values: NDArray[np.float64], bins: Bins) -> Distribution:
    # As training cuts them: in float32, the known values only, a value on an edge below it.
    known = values[~np.isnan(values)].astype(np.float32).astype(np.float64)
    return Distribution(name=name, labels=_labels(bins.edges), shares=bins.shares, counts=_counts(known, bins).tolist())


def _prices(rows: Sequence[ArchivedPrediction], bins: Bins) -> Distribution:
    log_price = np.log([row.predicted_price for row in rows])
    edges = [round(float(np.exp(edge)), -3) for edge in bins.edges]  # for people
    return Distribution(
        name="log_price", labels=_labels(edges), shares=bins.shares, counts=_counts(log_price, bins).tolist()
    )


def _counts(values: NDArray[np.float64], bins: Bins) -> Counts:
    return np.bincount(np.searchsorted(bins.edges, values), minlength=len(bins.shares))


def _labels(edges: Sequence[float]) -> list[str]:
    words = [f"{edge:,.7g}" for edge in edges]
    if not words:
        return ["all"]
    between = [f"{low} to {high}" for low, high in pairwise(words)]
    return [f"up to {words[0]}", *between, f"above {words[-1]}"]


def _neighborhoods(rows: Sequence[ArchivedPrediction], reference: Reference, key: NameKey) -> Distribution:
    named = sorted(
        (name for name, share in reference.neighborhood.items() if share >= NAMED),
        key=lambda name: -reference.neighborhood[name],
    )
    place = {key(name): position for position, name in enumerate(named)}
    bins = [place.get(key(row.neighborhood), len(named)) for row in rows]
    shares = [reference.neighborhood[name] for name in named]
    return Distribution(
        name="neighborhood",
        labels=[*named, "all others"],
        shares=[*shares, max(0.0, 1 - sum(shares))],
        counts=np.bincount(bins, minlength=len(named) + 1).tolist(),
    )


def _column(rows: Sequence[ArchivedPrediction], name: str) -> NDArray[np.float64]:
    return np.array([getattr(row, name) for row in rows], dtype=np.float64)  # None becomes NaN


def _missing_count(rows: Sequence[ArchivedPrediction], name: str) -> int:
    return sum(getattr(row, name) is None for row in rows)


def _missing(name: str, count: int, window: int, share: float, reference_rows: int, alpha: float) -> DistributionCheck:
    p = exact.different(count, window, round(share * reference_rows), reference_rows)
    return _share(name, "missing", count / window, share, p, alpha, matters=abs(count / window - share) >= SHARE_FLOOR)


def _unseen(count: int, window: int, reference: Reference, alpha: float) -> DistributionCheck:
    """Compare with the listings that would have been the first of their neighbourhood, each left out in turn."""
    once = sum(round(share * reference.rows) == 1 for share in reference.neighborhood.values())
    p = exact.no_fewer(count, window, once, reference.rows)
    share, usual = count / window, once / reference.rows
    return _share("neighborhood", "unseen", share, usual, p, alpha, matters=share - usual >= SHARE_FLOOR)


def _dead_letters(predictions: int, dead_letters: int, alpha: float) -> DistributionCheck:
    records = predictions + dead_letters
    p = exact.at_least(dead_letters, records, DEAD_LETTERS)
    return _share("records", "dead letters", dead_letters / records, DEAD_LETTERS, p, alpha, matters=True)


def _share(
    name: str,
    test: Literal["missing", "unseen", "dead letters"],
    value: float,
    reference: float,
    p: float,
    alpha: float,
    *,
    matters: bool,
) -> DistributionCheck:
    return DistributionCheck(
        name=name, test=test, value=value, reference=reference, p=p, alpha=alpha, rang=matters and p <= alpha
    )
