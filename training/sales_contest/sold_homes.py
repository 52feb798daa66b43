"""Homes that were sold, with the predictions made for them before."""

from datetime import UTC, datetime

from msgspec import Struct

from lambdas.archive_bucket.credibility import SetApart, divide
from lambdas.archive_bucket.prediction_rows import features
from lambdas.archive_bucket.reader import Archive, Labelled, remembered
from pricing.listing import Features
from pricing.market import Market


class Sold(Struct, frozen=True, kw_only=True):
    """A sale, what the models may know of the home, and what was said of it on the stream."""

    listing_id: str
    features: Features
    sale_price: float
    sold_at: datetime
    reported_at: datetime
    model_version: str
    predicted_price: float
    shadow_version: str | None = None
    shadow_price: float | None = None


class Gathered(Struct, frozen=True):
    """Sales to judge and learn by, and those that are not credible."""

    sold: list[Sold]
    set_apart: list[SetApart]


def gather(archive: Archive, until: datetime, market: Market) -> Gathered:
    """Return the sales that were first reported in the `REMEMBERED` before `until`, in the order of these reports.

    Each with its listing's newest prediction from before the report; sales of homes that had none are left out.
    """
    _, labelled = remembered(archive, until)
    credible, apart = divide(labelled, market)
    return Gathered([_sold(each) for each in credible], apart)


def _sold(each: Labelled) -> Sold:
    row, sale = each.prediction, each.sale
    return Sold(
        listing_id=row.listing_id,
        features=features(row),
        sale_price=sale.sale_price,
        sold_at=min(_time(sale.sold_at, sale.reported_at), sale.reported_at),  # the first is what somebody typed
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


def in_population(each: Sold, market: Market) -> bool:
    """Return whether a sale is one of those that models are made for."""
    return market.population.holds(each.sale_price, each.features.area_m2)
