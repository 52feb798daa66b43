"""Have sale prices moved away from the predictions? The test behind the alarm, at a stated rate of false alarms.

What is watched is log(actual / predicted) of each sale under the champion, in the order of the reports, divided by the
spread that the prediction's own interval stated and clipped, so that one odd sale cannot ring. Its usual level is
nobody's to know beforehand (sales close below asking prices, by how much depends on the market), so it is learnt: the
newest 30, 60 and 120 sales are held against *all* earlier ones. At every tenth sale, so that it does not matter how
often the monitor runs, and whether it runs twice. The limit is the same for all of these looks: in a simulated market
that stands still, `alpha` of the histories of `HORIZON` sales (after the first `LEARNING`) cross it anywhere.

What was wrong from the first sale on is in the level that is learnt. So each of the three is also held against a
range in which sale prices can be expected around asking prices, `USUAL`; that adds no false alarm as long as
the market is inside.

Rejected: a mixture sequential probability ratio test, valid over any number of looks. With the moment of the change
unknown it found a rise of 15 % after 91 sales, where the limit made for a bounded horizon took 60 (medians).
"""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from lambdas.archive_bucket.reader import Labelled

Log = NDArray[np.float64]

SEGMENTS = (30, 60, 120)  # newest sales that are held against the earlier ones
STEP = 10  # sales between looks
LEARNING = 60  # sales at least on the other side
HORIZON = 300  # sales that the rate of false alarms is stated for; every further 300 cost as much again
USUAL = (-0.25, 0.10)  # log of sale over asking price: between 22 % below and 11 % above

CLIP = 1.5  # of the stated spread: keeps 96 % of the efficiency on normal residuals, and gains on real ones
PRIOR = 30  # sales that the variance of clipped normal residuals weighs beside the one that is seen
PATHS, CHUNK = 10_000, 1_000  # simulated histories


class Shift(Struct, frozen=True, kw_only=True):
    """Where sale prices stand; levels are of log(actual / predicted), robust means.

    Of the look that rang first, else of the newest: `statistic` is the largest of its comparisons in absolute value, of
    the newest `segment` sales against `against`, and rings at `limit`. `now` is the level from that segment on to the
    newest sale: at the moment it rings, a segment flatters the move.
    """

    sales: int
    looks: int
    limit: float
    statistic: float | None = None
    segment: int | None = None
    against: str | None = None  # "earlier sales" or "asking prices"
    before: float | None = None
    now: float | None = None
    percent: float | None = None  # by which prices moved
    rang_after_sales: int | None = None
    alarm: int = 1  # its number under this champion

    @property
    def rang(self) -> bool:
        """Return whether the limit was ever crossed under this champion."""
        return self.rang_after_sales is not None


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison, at every look that has the sales for it: `at` (sales so far) and `z`, shape (..., looks)."""

    segment: int
    against: str
    at: NDArray[np.int64]
    z: Log


@dataclass(frozen=True, slots=True)
class Sales:
    """Labelled sales as the test sees them: log(actual / predicted) and the spread stated for each, shape (N,)."""

    offset: Log
    spread: Log

    @classmethod
    def of(cls, labelled: Sequence[Labelled]) -> "Sales":
        """Return them in the order given; the spread is what the interval would be of, were residuals normal."""
        rows = [each.prediction for each in labelled]
        low, high, coverage = (
            np.array([getattr(row, name) for row in rows], dtype=np.float64) for name in ("low", "high", "coverage")
        )
        quantile = {each: NormalDist().inv_cdf((1 + each) / 2) for each in set(coverage.tolist())}
        width = np.log(np.maximum(high, 0.01) / np.maximum(low, 0.01))
        spread = width / 2 / np.array([quantile[each] for each in coverage.tolist()])
        return cls(np.array([each.offset for each in labelled]), np.maximum(spread, 0.01))

    def around(self, level: float) -> Log:
        """Return the clipped residuals around a level."""
        return np.clip((self.offset - level) / self.spread, -CLIP, CLIP)

    def level(self, first: int, last: int) -> float:
        """Return the robust mean (Huber) of the offsets of some of the sales."""
        part = Sales(self.offset[first:last], self.spread[first:last])
        level = float(np.median(part.offset))
        for _ in range(20):
            level += float(np.mean(part.around(level) * part.spread))
        return level


def find_shift(sales: Sales, reference_level: float, alpha: float) -> Shift:
    """Return where sale prices stand, `reference_level` being log(actual / predicted) of asking prices.

    After an alarm the watch begins anew, with the sales that follow: a false one must not make it blind for all that
    comes later, and what is usual since is learnt afresh. Of several alarms the newest is returned, with its number.
    """
    shift = _watch(sales, reference_level, alpha, with_range=True)
    while shift.rang_after_sales is not None:
        first = shift.rang_after_sales
        rest = _watch(Sales(sales.offset[first:], sales.spread[first:]), reference_level, alpha, with_range=False)
        if rest.rang_after_sales is None:
            break
        shift = msgspec.structs.replace(
            rest,
            sales=shift.sales,
            looks=shift.looks + rest.looks,
            rang_after_sales=first + rest.rang_after_sales,
            alarm=shift.alarm + 1,
        )
    return shift


def _watch(sales: Sales, reference_level: float, alpha: float, *, with_range: bool) -> Shift:
    """Return the first alarm of a history, else where it stands."""
    bound = limit(alpha)
    found = comparisons(sales, reference_level, with_range=with_range)
    looks = len({at for each in found for at in each.at.tolist()})
    nothing = Shift(sales=len(sales.offset), looks=looks, limit=bound)
    if not found:
        return nothing
    crossed = [int(each.at[np.abs(each.z) >= bound][0]) for each in found if (np.abs(each.z) >= bound).any()]
    moment = min(crossed) if crossed else max(int(each.at[-1]) for each in found)
    return _describe(nothing, found, sales, reference_level, moment, rang=bool(crossed))


def _describe(
    shift: Shift, found: list[Comparison], sales: Sales, reference_level: float, moment: int, *, rang: bool
) -> Shift:
    here = [(float(each.z[each.at == moment][0]), each) for each in found if moment in each.at]
    statistic, worst = max(here, key=lambda pair: abs(pair[0]))
    now = sales.level(moment - worst.segment, shift.sales)
    earlier = worst.against == "earlier sales"
    before = sales.level(0, moment - worst.segment) if earlier else reference_level
    return Shift(
        sales=shift.sales,
        looks=shift.looks,
        limit=shift.limit,
        statistic=statistic,
        segment=worst.segment,
        against=worst.against,
        before=before,
        now=now,
        percent=100 * float(np.expm1(now - before)),
        rang_after_sales=moment if rang else None,
    )


def comparisons(sales: Sales, reference_level: float, *, with_range: bool = True) -> list[Comparison]:
    """Return every comparison that there are sales for."""
    low, high = (sales.around(reference_level + edge) for edge in USUAL)
    return [*with_earlier(sales.around(reference_level)), *(_with_range(low, high) if with_range else ())]


def with_earlier(residuals: Log, variance: float | None = None) -> Iterator[Comparison]:
    """Compare the newest residuals with all earlier ones; `variance` is what they have while nothing is wrong.

    None is that of clipped normal ones.
    """
    total, spread = _sums(residuals, variance)
    for segment in SEGMENTS:
        at = look_places(segment + LEARNING, residuals.shape[-1])
        start = at - segment
        now = (total[..., at] - total[..., start]) / segment
        z = (now - total[..., start] / start) / (spread[..., at] * np.sqrt(1 / segment + 1 / start))
        if at.size:
            yield Comparison(segment, "earlier sales", at, z)


def _with_range(above_low: Log, above_high: Log) -> Iterator[Comparison]:
    """Compare with the range: positive above its upper end, negative below its lower one, 0 inside."""
    for segment in SEGMENTS:
        at = look_places(segment, len(above_low))
        z_low, z_high = (
            (total[at] - total[at - segment]) / (spread[at] * np.sqrt(segment))
            for total, spread in (_sums(above_low), _sums(above_high))
        )
        if at.size:
            yield Comparison(segment, "asking prices", at, np.maximum(z_high, 0) + np.minimum(z_low, 0))


def look_places(first: int, sales: int) -> NDArray[np.int64]:
    """Return after how many sales it is looked, from the `first` on."""
    return np.arange(-(-first // STEP) * STEP, sales + 1, STEP)


def _sums(residuals: Log, variance: float | None = None) -> tuple[Log, Log]:
    """Return the sum of the first n residuals and their standard deviation, for n = 0 to N, shape (..., N + 1)."""
    usual = _clipped_variance() if variance is None else variance
    zero = np.zeros((*residuals.shape[:-1], 1))
    total, squares = (
        np.concatenate([zero, np.cumsum(values, axis=-1)], axis=-1) for values in (residuals, residuals**2)
    )
    count = np.arange(residuals.shape[-1] + 1)
    rest = squares - total**2 / np.maximum(count, 1)
    return total, np.sqrt((PRIOR * usual + rest) / (PRIOR + np.maximum(count - 1, 0)))


def _clipped_variance() -> float:
    normal = NormalDist()
    inside = 2 * normal.cdf(CLIP) - 1
    return inside - 2 * CLIP * normal.pdf(CLIP) + CLIP**2 * (1 - inside)


@functools.cache
def limit(alpha: float) -> float:
    """Return the limit that `alpha` of the histories without a change cross, within `HORIZON` sales of learning."""
    draw = np.random.default_rng(20211123)
    worst: list[Log] = []
    for _ in range(PATHS // CHUNK):
        residuals = np.clip(draw.standard_normal((CHUNK, LEARNING + HORIZON)), -CLIP, CLIP)
        worst.append(np.max([np.abs(each.z).max(axis=-1) for each in with_earlier(residuals)], axis=0))
    return float(np.quantile(np.concatenate(worst), 1 - alpha))
