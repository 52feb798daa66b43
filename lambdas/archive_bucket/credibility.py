"""Sales that are not credible: set apart with a reason until somebody decides.

A price three times what was said, or a third of it, in one step: a digit too many, a token price within a family, a
report in another currency. Such a sale takes no part in alarms, contests and training unless a person accepts it.
"""

from collections.abc import Iterable

from msgspec import Struct

from lambdas.archive_bucket.reader import Labelled
from pricing.units import unit

FACTOR = 3.0  # sale over predicted price, or the other way round, that is credible at most
TOKEN = 1_000.0  # BRL; below it nothing was sold


class SetApart(Struct, frozen=True, kw_only=True):
    """A sale that is set apart, and why; prices in BRL."""

    listing_id: str
    sale_price: float
    predicted_price: float
    reported_at: str
    reason: str


def divide(labelled: Iterable[Labelled]) -> tuple[list[Labelled], list[SetApart]]:
    """Return the sales that are credible, or accepted, and those that are not, both in their order."""
    credible: list[Labelled] = []
    apart: list[SetApart] = []
    for each in labelled:
        reason = None if each.sale.accepted else doubt(each.sale.sale_price, each.prediction.predicted_price)
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


def doubt(sale_price: float, predicted_price: float) -> str | None:
    """Return why a sale is not credible, None where it is."""
    factor = sale_price / predicted_price
    if 1 / FACTOR <= factor <= FACTOR:
        return None
    if sale_price < TOKEN:
        return f"{sale_price:,.0f} BRL is a token, and no price"
    return f"{factor:.2g} times what was said: {unit(factor)}"
