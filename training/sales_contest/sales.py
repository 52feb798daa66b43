"""What the market answered: sales with the predictions made for these homes, as something to learn and judge by."""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lambdas.archive_bucket.sales import FreshFrom
from pricing.learnt_homes import LearntHomes, has_learnt
from pricing.manifest import Pointer
from pricing.market import Market
from training.arrays import Log, Mask
from training.data.frames import to_frame
from training.data.groups import group_keys
from training.model.training_part import Rows
from training.sales_contest.sold_homes import Sold, in_population

NEWEST = 200  # sales that a contest is about at most

HALF_LIFE = timedelta(days=90)  # of a sale's weight
HEAVIEST = 4  # listings that a sale of today counts for


@dataclass(frozen=True, slots=True)
class Sales:
    """Sales as arrays: `frame` as a model's inputs and `price`; groups, log prices and weights of shape (N,).

    `current` says which ones were sold at prices as they are now, `fresh` which of these a contest is about.
    """

    frame: pd.DataFrame
    groups: NDArray[np.str_]
    log_price: Log
    weights: NDArray[np.int64]
    current: Mask
    fresh: Mask

    @classmethod
    def of(cls, sold: list[Sold], current: Mask, fresh: Mask, market: Market) -> "Sales":
        """Return the sales; masks of shape (N,)."""
        frame = to_frame([each.features for each in sold], market)
        frame["price"] = [each.sale_price for each in sold]
        return cls(frame, group_keys(frame), np.log(frame["price"].to_numpy()), weights(sold), current, fresh)

    @property
    def rows(self) -> Rows:
        """Return the sales as rows to learn from."""
        return Rows(self.frame, self.log_price, self.groups)


def weights(sold: list[Sold]) -> NDArray[np.int64]:
    """Return how many listings each sale counts for: from `HEAVIEST` for the newest, halved every `HALF_LIFE`, to 1."""
    if not sold:
        return np.empty(0, dtype=np.int64)
    newest = max(each.sold_at for each in sold)
    ages = np.array([(newest - each.sold_at) / HALF_LIFE for each in sold])
    return np.maximum(1, np.round(HEAVIEST * 0.5**ages)).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Contested:
    """The sales of the population, in the order of their reports; masks of shape (N,).

    `current` were sold at prices as they are now. `eligible` are those of them that a contest may be about: that the
    alarm did not pick, of homes that the champion has not learnt. `learnt` counts those that are not, for the latter.
    """

    sold: list[Sold]
    current: Mask
    eligible: Mask
    learnt: int
    market: Market

    @property
    def judged(self) -> int:
        """Return how many sales a contest may be about."""
        return int(self.eligible.sum())

    def sales(self) -> Sales:
        """Return them as a contest takes them: of the eligible ones it is about the newest `NEWEST`."""
        fresh = self.eligible & (self.judged - np.cumsum(self.eligible) < NEWEST)
        return Sales.of(self.sold, self.current, fresh, self.market)


def contested(
    gathered: list[Sold],
    fresh: FreshFrom | None,
    champion: Pointer,
    market: Market,
    after: FreshFrom | None = None,
    learnt: LearntHomes | None = None,
) -> Contested:
    """Return what a contest is about: the sales since prices moved, or where nobody says when, since the promotion.

    Sales from before a promotion are what the champion may have learnt; and if prices moved then, of both regimes. Of
    those since prices moved, the ones that the alarm picked say more than is true: a contest is about the ones after.
    """
    promoted_at = datetime.fromisoformat(champion.promoted_at)
    place = np.arange(len(gathered))
    current = place >= _first(gathered, fresh or promoted_at)
    unpicked = place > _first(gathered, after) if after else current
    inside = np.array([in_population(each, market) for each in gathered], dtype=np.bool_)
    known = np.array([has_learnt(learnt, each.features) for each in gathered], dtype=np.bool_)
    sold = [each for each, wanted in zip(gathered, inside, strict=True) if wanted]
    may = current & unpicked & inside
    return Contested(sold, current[inside], (may & ~known)[inside], int((may & known).sum()), market)


def _first(gathered: list[Sold], since: FreshFrom | datetime) -> int:
    if isinstance(since, datetime):
        return bisect_left(gathered, since, key=lambda each: each.reported_at)
    places = (place for place, each in enumerate(gathered) if each.listing_id == since.listing_id)
    named = next(places, None)  # in a report of many, it tells the new prices from the old ones
    return _first(gathered, since.reported_at) if named is None else named
