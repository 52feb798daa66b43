"""Listings as a model's inputs, and back."""

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pandas as pd

from pricing.listing import Features

if TYPE_CHECKING:
    from numpy.typing import NDArray


FIELDS: tuple[str, ...] = Features.__struct_fields__


def to_frame(listings: list[Features]) -> pd.DataFrame:
    """Return features as a model's inputs: text columns with "" and float32 columns with NaN where unknown."""
    columns: dict[str, NDArray[np.generic]] = {}
    for name in FIELDS:
        values = [getattr(each, name) for each in listings]
        if name in ("neighborhood", "street"):
            columns[name] = np.array([value or "" for value in values], dtype=object)
        else:
            columns[name] = np.array(values, dtype=np.float32)
    return pd.DataFrame(columns)


def to_features(row: dict[Any, Any]) -> Features:
    """Return a row of a frame as `Features`: unknown is None."""
    known = {name: row[name] for name in FIELDS if row[name] != "" and row[name] == row[name]}
    return msgspec.convert(known, Features)
