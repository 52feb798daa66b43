"""Sales that are not credible: set apart with a reason until somebody decides.

A price three times what was said, or a third of it, in one step: a digit too many, a token price within a family, a
report in another currency. Such a sale takes no part in alarms, contests and training unless a person accepts it.
"""

from collections.abc import Iterable

from msgspec import Struct

from lambdas.archive_bucket.reader import Labelled
from lambdas.archive_bucket.units import unit
from pricing.market import Market

FACTOR = 3.0  # sale over predicted price, or the other way round, that is credible at most


class SetApart(Struct, frozen=True, kw_only=True):
    """A sale that is set apart, and why."""

    listing_id: str
    sale_price: float
    predicted_price: float
    reported_at: str
    reason: str


def divide(labelled: Iterable[Labelled], market: Market | None) -> tuple[list[Labelled], list[SetApart]]:
    """Return the sales that are credible, or accepted, and those that are not, both in their order."""
    credible: list[Labelled] = []
    apart: list[SetApart] = []
    for each in labelled:
        reason = None if each.sale.accepted else doubt(each.sale.sale_price, each.prediction.predicted_price, market)
        if reason is None:
            credible.append(each)
        else:
            apart.append(
                SetApart(
                    listing_id=each.sale.listing_id,
                    sale_price=each.sale.sale_price,
                    predicted_price=each.prediction.predicted_price,
                    reported_at=each.sale.reported_at.isoformat(),
                    reason=reason,
                )
            )
    return credible, apart


def doubt(sale_price: float, predicted_price: float, market: Market | None) -> str | None:
    """Return why a sale is not credible, None where it is; the market knows what a token is, and other currencies."""
    factor = sale_price / predicted_price
    if 1 / FACTOR <= factor <= FACTOR:
        return None
    if market and sale_price < market.token_price:
        return f"{sale_price:,.0f} {market.currency} is a token, and no price"
    return f"{factor:.2g} times what was said: {unit(factor, market)}"
