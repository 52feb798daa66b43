"""What a value may mean: when a fee is no fee, and a place not where the home is."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from training.arrays import Mask

PLACEHOLDER_FEE = 20.0  # BRL a month; up to this a fee was typed to fill the form
OVERSIZED_FEE = 20_000.0  # and from this on a thousand times too big; no true one reaches half of it
BOX = {"latitude": (-20.06, -19.77), "longitude": (-44.07, -43.85)}  # the metropolitan area, degrees
KM_A_DEGREE = {"latitude": 111.0, "longitude": 104.6}  # at this latitude
NAMESAKE_KM = 4.0  # a place further than this from its neighbourhood's centre is a street of the same name


def namesakes(frame: pd.DataFrame) -> Mask:
    """Return which places in the metropolitan box are too far from their neighbourhood's centre to be true, shape (N,).

    The centres are the frame's own; a model that was trained on a part of it may judge a few places otherwise.
    """
    place = {name: frame[name].to_numpy() for name in BOX}
    centre = dict(zip(BOX, (frame["neighborhood"].map(each).to_numpy() for each in centres(frame)), strict=True))
    found: Mask = inside_box(place) & (km_between(place, centre, np.sqrt) > NAMESAKE_KM)
    return found


def inside_box(inputs: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Tell which places lie in the metropolitan box; arrays or nodes."""
    north, east = ((inputs[name] >= low) & (inputs[name] <= high) for name, (low, high) in BOX.items())
    return north & east


def km_between(one: Mapping[str, Any], other: Mapping[str, Any], sqrt: Callable[[Any], Any]) -> Any:  # noqa: ANN401
    """Return the distances in km between places in degrees; arrays or nodes, and their square root."""
    north, east = ((one[name] - other[name]) * KM_A_DEGREE[name] for name in BOX)
    return sqrt(north * north + east * east)


def centres(frame: pd.DataFrame) -> list[pd.Series]:
    """Return each neighbourhood's median place, latitude and longitude, of what lies in the metropolitan box."""
    inside = np.logical_and.reduce([frame[name].between(*limits).to_numpy() for name, limits in BOX.items()])
    return [frame[name].where(inside).groupby(frame["neighborhood"].to_numpy()).median() for name in BOX]
