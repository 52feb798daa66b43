"""Homes as columns: made once a batch, for the model and for its warnings."""

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pricing.listing import Features

NUMBERS = ("area_m2", "rooms", "garage_places", "adm_fees", "latitude", "longitude")


class Columns(Struct, frozen=True):
    """N homes by column; what a market has beyond these stays in the homes themselves."""

    texts: Mapping[str, list[str]]  # by the name of the feature, "" where unknown
    numbers: Mapping[str, NDArray[np.float64]]  # those of `NUMBERS`, shape (N,), NaN where unknown


def columns_of(homes: Sequence[Features]) -> Columns:
    """Return homes as columns."""
    neighborhoods: list[str] = []
    streets: list[str] = []
    row_by_row: list[float | None] = []
    for each in homes:
        neighborhoods.append(each.neighborhood)
        streets.append(each.street or "")
        row_by_row += each.area_m2, each.rooms, each.garage_places, each.adm_fees, each.latitude, each.longitude
    matrix = np.array(row_by_row, dtype=np.float64).reshape(len(homes), len(NUMBERS))
    numbers = dict(zip(NUMBERS, matrix.T, strict=True))
    return Columns({"neighborhood": neighborhoods, "street": streets}, numbers)
