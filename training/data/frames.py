"""Listings as a model's inputs, and back."""

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pandas as pd

from pricing.listing import Features
from pricing.places import place_key

if TYPE_CHECKING:
    from numpy.typing import NDArray


FIELDS: tuple[str, ...] = Features.__struct_fields__
PLACES = {"neighborhood": "written_neighborhood", "street": "written_street"}  # where the name stands as it was written


def to_frame(listings: list[Features]) -> pd.DataFrame:
    """Return features as a model's inputs: float32 columns with NaN where unknown, and text columns.

    Places are known by `place_key`, "" where unknown; how they were written stands in columns of its own.
    """
    columns: dict[str, NDArray[np.generic]] = {}
    for name in FIELDS:
        values = [getattr(each, name) for each in listings]
        if name in PLACES:
            columns[name] = np.array([place_key(value or "") for value in values], dtype=object)
            columns[PLACES[name]] = np.array([value or "" for value in values], dtype=object)
        else:
            columns[name] = np.array(values, dtype=np.float32)
    return pd.DataFrame(columns)


def as_written(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose places stand as they were written, for models that know them by that."""
    written = {name: frame[column] for name, column in PLACES.items() if column in frame}
    return frame.assign(**written)


def to_features(row: dict[Any, Any]) -> Features:
    """Return a row of a frame as `Features`: unknown is None, and places are as they were written."""
    values = {name: row.get(PLACES.get(name, name), row[name]) for name in FIELDS}
    known = {name: value for name, value in values.items() if value != "" and value == value}
    return msgspec.convert(known, Features)
