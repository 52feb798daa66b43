"""Errors that grow, or move in one place, though prices as a whole do not.

What a level cannot show: homes that sell for more in one district, errors that double to both sides, intervals that no
longer hold what they promise. Looked at are sales of homes that the champion has not learnt, in the order of the
reports, around the level that the first `LEARNING` of them had, and where prices as a whole have moved, around that:

coverage  how many of the newest 60, 120 and 240 lie outside their intervals, by the exact binomial probability, were
          these to hold `TOLERANCE` less than they promise
spread    the size of the newest 30, 60 and 120 errors against all earlier ones, in units of the spread stated
place     a neighbourhood's errors among the newest 120 and 240 against its earlier ones, whose lean is forgiven

Each has a limit of its own, which its share of histories of a still market crosses within `HORIZON` sales after the
first `LEARNING`, at any look: coverage and spread by simulation, places by Bonferroni's bound over looks and places.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from lambdas.archive_bucket.reader import Labelled
from lambdas.drift import exact_tests as exact
from lambdas.drift.price_drift import CHUNK, CLIP, HORIZON, LEARNING, PATHS, Log, Sales, look_places, with_earlier
from pricing.places import NameKey

SEGMENTS = (60, 120, 240)  # newest sales whose coverage is looked at
TOLERANCE = 0.03  # of coverage: no calibration is better than that
SIZE_CLIP = 2.5  # of the spread stated
SIZE_VARIANCE = 0.338  # of |Z|, Z standard normal, clipped there
RECENT, PLACE_STEP = (120, 240), 60  # newest sales in which a place is looked for, and sales between looks
PLACE_LEAN = 0.4  # standard deviation of the lean that a place usually has, in units of the spread stated
MIN_IN_PLACE = 6

Counts = NDArray[np.int64]


class ErrorCheck(Struct, frozen=True, kw_only=True):
    """One watch over errors: of the look that rang first, else of the newest.

    `value` is what was found in the newest `segment` of the first `at` sales, and `reference` what was to be expected:
    the share outside the interval, the mean size of an error in units of the spread stated, or the factor on a place's
    prices. It rings where `statistic` reaches `limit`: -log10 of a probability for coverage, else a z.
    """

    test: Literal["coverage", "spread", "place"]
    place: str | None
    value: float
    reference: float
    statistic: float
    limit: float
    at: int
    segment: int
    rang: bool
    alarm: int = 1  # its number under this champion


@dataclass(frozen=True, slots=True)
class Errors:
    """Sales as the watches see them, each of shape (N,).

    log(actual / predicted), the spread stated for it, the interval's ends as log offsets, and the place.
    """

    sales: Sales
    low: Log
    high: Log
    places: Sequence[str]
    coverage: float

    @classmethod
    def of(cls, labelled: Sequence[Labelled], key: NameKey) -> "Errors":
        """Return them in the order given; `key`: by what names of neighbourhoods are the same."""
        rows = [each.prediction for each in labelled]
        price, low, high = (
            np.log(np.maximum([getattr(row, name) for row in rows], 0.01))
            for name in ("predicted_price", "low", "high")
        )
        coverage = max((row.coverage for row in rows), default=0.0)
        return cls(Sales.of(labelled), low - price, high - price, [key(row.neighborhood) for row in rows], coverage)

    def around(self, moved: Log) -> "Errors":
        """Return them around levels that had moved by so much, shape (N,)."""
        sales = Sales(self.sales.offset - moved, self.sales.spread)
        return Errors(sales, self.low, self.high, self.places, self.coverage)

    def since(self, first: int) -> "Errors":
        """Return the sales from number `first` on."""
        sales = Sales(self.sales.offset[first:], self.sales.spread[first:])
        return Errors(sales, self.low[first:], self.high[first:], self.places[first:], self.coverage)


def check_errors(errors: Errors, alphas: Sequence[float]) -> list[ErrorCheck]:
    """Return what the three watches found, as far as there are sales for it.

    `alphas` are their false alarms: of coverage, spread and places. After an alarm spread and places begin anew with
    the sales that follow (a promise that is broken is broken); of several alarms the newest is returned, with its
    number.
    """
    found, first, alarm = _watch(errors, alphas, promise=True), 0, 1
    while rang := [each.at for each in found if each.rang]:
        after = first + min(rang)
        rest = _watch(errors.since(after), alphas, promise=False)
        if not any(each.rang for each in rest):
            break
        found, first, alarm = rest, after, alarm + 1
    return [msgspec.structs.replace(each, at=first + each.at, alarm=alarm) for each in found]


def _watch(errors: Errors, alphas: Sequence[float], *, promise: bool) -> list[ErrorCheck]:
    if len(errors.places) < LEARNING:
        return []
    level = errors.sales.level(0, LEARNING)
    offset = errors.sales.offset - level
    outside, z = (offset < errors.low) | (offset > errors.high), offset / errors.sales.spread
    found = [
        _coverage(outside[LEARNING:], errors.coverage, alphas[0]) if promise else None,
        _spread(np.minimum(np.abs(z), SIZE_CLIP), alphas[1]),
        _places(np.clip(z, -CLIP, CLIP), errors, alphas[2]),
    ]
    return [each for each in found if each]


def _coverage(outside: NDArray[np.bool_], coverage: float, alpha: float) -> ErrorCheck | None:
    usual = 1 - coverage + TOLERANCE
    found = _surprises(outside[None, :].astype(np.int64), usual)
    if not found:
        return None
    limit = _coverage_limit(usual, alpha)
    at, segment, surprise = _first_or_newest([(at, segment, each[0]) for segment, at, each in found], limit)
    return ErrorCheck(
        test="coverage",
        place=None,
        value=float(outside[at - segment : at].mean()),
        reference=1 - coverage,
        statistic=surprise,
        limit=limit,
        at=LEARNING + at,
        segment=segment,
        rang=surprise >= limit,
    )


def _surprises(outside: Counts, usual: float) -> list[tuple[int, Counts, Log]]:
    """Return each segment's looks and -log10 P(so many outside, or more), shapes (L,) and (paths, L)."""
    total = np.concatenate([np.zeros((len(outside), 1), dtype=np.int64), np.cumsum(outside, axis=1)], axis=1)
    found = []
    for segment in SEGMENTS:
        at = look_places(segment, outside.shape[1])
        if at.size:
            found.append((segment, at, _surprise(segment, usual)[total[:, at] - total[:, at - segment]]))
    return found


@functools.cache
def _surprise(segment: int, usual: float) -> Log:
    return np.array([-np.log10(max(exact.at_least(k, segment, usual), 1e-300)) for k in range(segment + 1)])


@functools.cache
def _coverage_limit(usual: float, alpha: float) -> float:
    draw = np.random.default_rng(20211125)
    outside = (draw.random((PATHS, HORIZON)) < usual).astype(np.int64)
    worst = np.max([each.max(axis=1) for _, _, each in _surprises(outside, usual)], axis=0)
    return float(np.quantile(worst, 1 - alpha))


def _spread(sizes: Log, alpha: float) -> ErrorCheck | None:
    found = list(with_earlier(sizes, SIZE_VARIANCE))
    if not found:
        return None
    limit = _spread_limit(alpha)
    at, segment, z = _first_or_newest([(each.at, each.segment, each.z) for each in found], limit)
    return ErrorCheck(
        test="spread",
        place=None,
        value=float(sizes[at - segment : at].mean()),
        reference=float(sizes[: at - segment].mean()),
        statistic=z,
        limit=limit,
        at=at,
        segment=segment,
        rang=z >= limit,
    )


@functools.cache
def _spread_limit(alpha: float) -> float:
    draw = np.random.default_rng(20211126)
    worst: list[Log] = []
    for _ in range(PATHS // CHUNK):
        sizes = np.minimum(np.abs(draw.standard_normal((CHUNK, LEARNING + HORIZON))), SIZE_CLIP)
        worst.append(np.max([each.z.max(axis=-1) for each in with_earlier(sizes, SIZE_VARIANCE)], axis=0))
    return float(np.quantile(np.concatenate(worst), 1 - alpha))


def _places(residuals: Log, errors: Errors, alpha: float) -> ErrorCheck | None:
    names = np.array(errors.places)
    looks = range(LEARNING + PLACE_STEP, len(residuals) + 1, PLACE_STEP)
    newest: ErrorCheck | None = None
    part = alpha / (HORIZON // PLACE_STEP) / len(RECENT)
    for at in looks:
        found = [each for span in RECENT if (each := _worst_place(residuals, names, errors, at, span, part))]
        newest = max(found, key=lambda each: each.statistic - each.limit, default=newest)
        if newest and newest.rang:
            break
    return newest


def _worst_place(
    residuals: Log, names: NDArray[np.str_], errors: Errors, at: int, span: int, alpha: float
) -> ErrorCheck | None:
    """Return the place whose newest errors are the furthest from its earlier ones, None where none has enough."""
    first = max(0, at - span)
    recent, counts = np.unique(names[first:at], return_counts=True)
    judged = recent[counts >= MIN_IN_PLACE]
    if not judged.size:
        return None
    limit = NormalDist().inv_cdf(1 - alpha / len(judged) / 2)
    variance = float(residuals[:at].var()) + 1e-9
    found = []
    for name in judged:
        here = names[:at] == name
        new, old = residuals[first:at][here[first:]], residuals[:first][here[:first]]
        sure = 1 / (1 / PLACE_LEAN**2 + len(old) / variance)  # variance of its usual lean, given the earlier errors
        usual = float(old.sum()) / variance * sure
        found.append(((float(new.mean()) - usual) / float(np.sqrt(variance / len(new) + sure)), usual, name))
    z, usual, name = max(found, key=lambda each: abs(each[0]))
    here = np.flatnonzero(names[:at] == name)
    here = here[here >= first]
    scale = float(errors.sales.spread[here].mean())
    return ErrorCheck(
        test="place",
        place=errors.places[int(here[-1])],
        value=float(np.exp(residuals[here].mean() * scale)),
        reference=float(np.exp(usual * scale)),
        statistic=abs(z),
        limit=limit,
        at=at,
        segment=at - first,
        rang=abs(z) >= limit,
    )


def _first_or_newest(found: Sequence[tuple[Counts, int, Log]], limit: float) -> tuple[int, int, float]:
    """Return (sales so far, segment, statistic) of the look that reached the limit first, else of the newest."""
    every = [
        (int(at), segment, float(value))
        for places, segment, values in found
        for at, value in zip(places, values, strict=True)
    ]
    rang = [each for each in every if each[2] >= limit]
    moment = min(each[0] for each in rang) if rang else max(each[0] for each in every)
    return max((each for each in every if each[0] == moment), key=lambda each: each[2])
