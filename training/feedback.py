"""What the market answered: sales with the predictions made for these homes, as something to learn and judge by."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lambdas.archive_reader import Archive, Labelled, label
from lambdas.archived import features
from pricing.manifest import Pointer
from training.data import AREAS, PRICES, to_frame
from training.groups import group_keys
from training.levels import Log
from training.parts import Rows
from training.retraining_records import Sold
from training.retraining_requests import Request

SALES = timedelta(days=180)  # reported in
LISTED = timedelta(days=365)  # before that
NEWEST = 200  # sales that a contest is about, where no alarm says when prices moved

HALF_LIFE = timedelta(days=90)  # of a sale's weight
HEAVIEST = 4  # listings that a sale of today counts for


def gather(archive: Archive, until: datetime) -> list[Sold]:
    """Return the sales of the population that were reported before `until`, in the order of the reports.

    Each with its listing's newest prediction; sales of homes that were never priced are left out.
    """
    sales = [sale for sale in archive.sales(until - SALES) if sale.reported_at < until]
    sold = {sale.listing_id for sale in sales}
    rows = archive.predictions(until - SALES - LISTED, until, lambda row: row.listing_id in sold)
    return [_sold(each) for each in label(rows, sales) if _in_population(each)]


def _in_population(each: Labelled) -> bool:
    price, area = each.sale.sale_price, each.prediction.area_m2
    return PRICES[0] <= price <= PRICES[1] and AREAS[0] <= area <= AREAS[1]


def _sold(each: Labelled) -> Sold:
    row, sale = each.prediction, each.sale
    return Sold(
        listing_id=row.listing_id,
        features=features(row),
        sale_price=sale.sale_price,
        sold_at=_time(sale.sold_at, sale.reported_at),
        reported_at=sale.reported_at,
        model_version=row.model_version,
        predicted_price=row.predicted_price,
        shadow_version=row.shadow_version,
        shadow_price=row.shadow_price,
    )


def _time(text: str, otherwise: datetime) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return otherwise
    return at if at.tzinfo else at.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Sales:
    """Sales as arrays: `frame` as a model's inputs and `price` (BRL); groups, log prices and weights of shape (N,).

    `fresh` says which are of the newest regime of prices: the ones that a contest is about.
    """

    frame: pd.DataFrame
    groups: NDArray[np.str_]
    log_price: Log
    weights: NDArray[np.int64]
    fresh: NDArray[np.bool_]

    @property
    def rows(self) -> Rows:
        """Return the sales as rows to learn from."""
        return Rows(self.frame, self.log_price, self.groups)

    @classmethod
    def of(cls, sold: list[Sold], first_fresh: int) -> "Sales":
        """Return the sales; those from number `first_fresh` on are fresh."""
        frame = to_frame([each.features for each in sold])
        frame["price"] = [each.sale_price for each in sold]
        fresh = np.arange(len(sold)) >= first_fresh
        return cls(frame, group_keys(frame), np.log(frame["price"].to_numpy()), weights(sold), fresh)


def weights(sold: list[Sold]) -> NDArray[np.int64]:
    """Return how many listings each sale counts for: from `HEAVIEST` for the newest, halved every `HALF_LIFE`, to 1."""
    if not sold:
        return np.empty(0, dtype=np.int64)
    newest = max(each.sold_at for each in sold)
    ages = np.array([(newest - each.sold_at) / HALF_LIFE for each in sold])
    return np.maximum(1, np.round(HEAVIEST * 0.5**ages)).astype(np.int64)


def first_fresh(sold: list[Sold], request: Request, champion: Pointer) -> int:
    """Return the first sale of the newest regime: where the alarm saw prices move, else the first of the newest 200.

    The alarm counts the sales of one reign: those that the champion itself had priced, reported since its promotion.
    """
    latest = max(0, len(sold) - NEWEST)
    if request.fresh_from is None:
        return latest
    since = datetime.fromisoformat(champion.promoted_at)
    reign = [
        place for place, each in enumerate(sold) if each.model_version == champion.version and each.reported_at >= since
    ]
    return max(latest, reign[request.fresh_from]) if request.fresh_from < len(reign) else latest
