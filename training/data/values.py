"""What a value may mean in a market: when a fee is no fee, and a place not where the home is."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from pricing.market import Market
from training.arrays import Mask

PLACE = ("latitude", "longitude")


def namesakes(frame: pd.DataFrame, market: Market) -> Mask:
    """Return which places in the market's box are too far from their neighbourhood's centre to be true, shape (N,).

    The centres are the frame's own; a model that was trained on a part of it may judge a few places otherwise.
    """
    place = {name: frame[name].to_numpy() for name in PLACE}
    middle = (frame["neighborhood"].map(each).to_numpy() for each in centres(frame, market))
    far = km_between(place, dict(zip(PLACE, middle, strict=True)), market, np.sqrt) > market.namesake_km
    found: Mask = inside_box(place, market) & far
    return found


def inside_box(inputs: Mapping[str, Any], market: Market) -> Any:  # noqa: ANN401
    """Tell which places lie in the market's box; arrays or nodes."""
    (south, north), (west, east) = market.box.latitude, market.box.longitude
    latitude, longitude = (inputs[name] for name in PLACE)
    return (latitude >= south) & (latitude <= north) & (longitude >= west) & (longitude <= east)


def km_between(
    one: Mapping[str, Any],
    other: Mapping[str, Any],
    market: Market,
    sqrt: Callable[[Any], Any],
) -> Any:  # noqa: ANN401
    """Return the distances in km between places in degrees, near the market's centre; arrays or nodes."""
    north, east = ((one[name] - other[name]) * getattr(market.km_a_degree, name) for name in PLACE)
    return sqrt(north * north + east * east)


def centres(frame: pd.DataFrame, market: Market) -> list[pd.Series]:
    """Return each neighbourhood's median place, latitude and longitude, of what lies in the market's box."""
    inside = inside_box({name: frame[name].to_numpy() for name in PLACE}, market)
    return [frame[name].where(inside).groupby(frame["neighborhood"].to_numpy()).median() for name in PLACE]
