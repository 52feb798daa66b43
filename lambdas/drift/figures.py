"""How good the champion's predictions were, where sales say so."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from lambdas.archive_bucket.reader import Labelled
from lambdas.drift import exact_tests as exact

NEWEST = 200  # sales; older ones would hide what is new
CONFIDENCE = 0.95  # of the bounds


class Figures(Struct, frozen=True, kw_only=True):
    """Errors of some sales: `rmse` and `mae` are amounts, the others fractions; the coverage with its exact bounds.

    `band` counts the champion's bands of predicted price from the cheapest; None is all of them together.
    """

    band: int | None
    sales: int
    rmse: float
    mae: float
    median_ape: float
    mean_offset: float  # of log(actual / predicted)
    coverage: float
    coverage_low: float
    coverage_high: float


def figures(labelled: Sequence[Labelled], price_edges: Sequence[float]) -> list[Figures]:
    """Return the figures of the newest sales: together first, then by band of predicted price where there are any."""
    newest = labelled[-NEWEST:]
    if not newest:
        return []
    log_price = np.log([each.prediction.predicted_price for each in newest])
    band = np.searchsorted(price_edges, log_price)
    parts = [(place, [each for each, mine in zip(newest, band, strict=True) if mine == place]) for place in set(band)]
    return [_of(None, newest), *(_of(int(place), part) for place, part in sorted(parts, key=lambda pair: pair[0]))]


def _of(band: int | None, part: Sequence[Labelled]) -> Figures:
    actual = np.array([each.sale.sale_price for each in part])
    predicted, low, high = (
        np.array([getattr(each.prediction, name) for each in part]) for name in ("predicted_price", "low", "high")
    )
    inside = int(((actual >= low) & (actual <= high)).sum())
    coverage_low, coverage_high = exact.bounds(inside, len(part), CONFIDENCE)
    return Figures(
        band=band,
        sales=len(part),
        rmse=float(np.sqrt(np.mean((predicted - actual) ** 2))),
        mae=float(np.mean(np.abs(predicted - actual))),
        median_ape=float(np.median(np.abs(predicted / actual - 1))),
        mean_offset=float(np.mean(np.log(actual / predicted))),
        coverage=inside / len(part),
        coverage_low=coverage_low,
        coverage_high=coverage_high,
    )
