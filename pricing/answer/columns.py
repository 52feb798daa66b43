"""Homes as columns: made once a batch, for the model and for its warnings."""

from collections.abc import Iterable, Mapping

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pricing.listing import Features

NUMBERS = ("area_m2", "rooms", "garage_places", "adm_fees", "latitude", "longitude")


class Columns(Struct, frozen=True):
    """N homes by column, and as they came: what a market has beyond these columns stays in the homes themselves."""

    homes: list[Features]
    texts: Mapping[str, list[str]]  # by the name of the feature, "" where unknown
    numbers: Mapping[str, NDArray[np.float64]]  # those of `NUMBERS`, shape (N,), NaN where unknown


def columns_of(homes: Iterable[Features]) -> Columns:
    """Return homes as columns."""
    kept: list[Features] = []
    neighborhoods: list[str] = []
    streets: list[str] = []
    row_by_row: list[float | None] = []
    for each in homes:
        kept.append(each)
        neighborhoods.append(each.neighborhood)
        streets.append(each.street or "")
        row_by_row += each.area_m2, each.rooms, each.garage_places, each.adm_fees, each.latitude, each.longitude
    matrix = np.array(row_by_row, dtype=np.float64).reshape(len(kept), len(NUMBERS))
    numbers = dict(zip(NUMBERS, matrix.T, strict=True))
    return Columns(kept, {"neighborhood": neighborhoods, "street": streets}, numbers)
