"""Listings as a model's inputs, and back."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pandas as pd

from pricing.listing import Features
from pricing.manifest import Names
from pricing.market import Market

if TYPE_CHECKING:
    from numpy.typing import NDArray


FIELDS: tuple[str, ...] = tuple(name for name in Features.__struct_fields__ if name != "more")
PLACES = {"neighborhood": "written_neighborhood", "street": "written_street"}  # where the name stands as it was written


def to_frame(listings: Sequence[Features], market: Market) -> pd.DataFrame:
    """Return features as a model's inputs: float32 columns with NaN where unknown, and text columns.

    Places are known by their key in the market, "" where unknown; how they were written stands in columns of its own.
    The market's own columns come last, their texts known by key, too.
    """
    columns: dict[str, NDArray[np.generic]] = {}
    names = Names(affixes=market.place_names)
    for name in FIELDS:
        values = [getattr(each, name) for each in listings]
        if name in PLACES:
            columns[name] = _texts(map(names.key(name), (value or "" for value in values)))
            columns[PLACES[name]] = _texts(value or "" for value in values)
        else:
            columns[name] = np.array(values, dtype=np.float32)
    for name, column in market.columns.items():
        own = [(each.more or {}).get(name) for each in listings]
        if column.type == "text":
            columns[name] = _texts(map(names.key(name), (str(value or "") for value in own)))
        else:
            columns[name] = np.array(own, dtype=np.float32)
    return pd.DataFrame(columns)


def _texts(values: Any) -> "NDArray[np.object_]":  # noqa: ANN401 - any iterable
    return np.array(list(values), dtype=object)


def as_known(frame: pd.DataFrame, names: Names) -> pd.DataFrame:
    """Return a frame whose places stand as a model knows them."""
    known = {
        name: frame[column].map(names.key(name)).to_numpy(dtype=object)
        for name, column in PLACES.items()
        if column in frame
    }
    return frame.assign(**known)


def to_features(row: dict[Any, Any], market: Market | None = None) -> Features:
    """Return a row of a frame as `Features`: unknown is None, and places are as they were written."""
    values = {name: row.get(PLACES.get(name, name), row[name]) for name in FIELDS}
    known = {name: value for name, value in values.items() if _known(value)}
    more = {name: row[name] for name in (market.columns if market else ()) if name in row and _known(row[name])}
    return msgspec.convert(known | ({"more": more} if more else {}), Features)


def features_of(frame: pd.DataFrame, market: Market | None = None) -> list[Features]:
    """Return the rows of a frame as `to_features` does."""
    return [to_features(row, market) for row in frame.to_dict("records")]


def _known(value: object) -> bool:
    return value != "" and value == value
