"""What the learners read of a listing: cleaned numbers, ratios, and what its neighbourhood and street are like.

The columns are described once, in `_columns`, and computed by numpy in training and by ONNX in serving.
Every operation here is exactly rounded in both (no logarithms), so that a value cannot fall on different
sides of a tree's threshold.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pricing.market import Market
from training.arrays import Floats, Log
from training.data.groups import folds
from training.data.values import PLACE, inside_box, km_between
from training.model.column_ops import ArrayOps, GraphOps
from training.model.onnx_graph import Graph, Node
from training.model.price_levels import OF_NEIGHBORHOOD, OF_STREET, PriceLevels, fit_levels
from training.params import Encoding

TEXTS = ("neighborhood", "street")
NUMBERS = ("area_m2", "rooms", "garage_places", "adm_fees", "latitude", "longitude")
COLUMNS = (
    "area_m2",
    "rooms",
    "garage_places",
    "adm_fees",
    "latitude",
    "longitude",
    "fee_per_m2",
    "area_per_room",
    "relative_area",
    "km_from_centre",
    "neighborhood_level",
    "neighborhood_listings",
    "neighborhood_area",
    "neighborhood_fee_per_m2",
    "neighborhood_without_fee",
    "neighborhood_garage",
    "street_effect",
    "street_listings",
)

NAN = np.float32(np.nan)


def matrix(frame: pd.DataFrame, levels: PriceLevels) -> Floats:
    """Return the columns of listings, float32 of shape (N, K), NaN where unknown: `COLUMNS`, then the market's own."""
    inputs = {name: frame[name].to_numpy()[:, None] for name in (*TEXTS, *NUMBERS, *levels.market.columns)}
    with np.errstate(divide="ignore", invalid="ignore"):
        joined: Floats = ArrayOps().join(_columns(inputs, levels, ArrayOps()))
    return joined


def cross_fitted(
    frame: pd.DataFrame, log_price: Log, groups: NDArray[np.str_], params: Encoding, market: Market, seed: int
) -> Floats:
    """Return the columns of a training part, each row's levels fitted on the folds without its group."""
    result = np.empty((len(frame), len(COLUMNS) + len(market.columns)), dtype=np.float32)
    for held in folds(groups, params.folds, seed):
        rest = frame[~held].reset_index(drop=True)
        result[held] = matrix(frame[held], fit_levels(rest, log_price[~held], params, market))
    return result


def write(graph: Graph, levels: PriceLevels) -> Node:
    """Write the inputs and the columns into a graph; return the node of shape [N, K], as `matrix` has them."""
    market = levels.market
    inputs = {name: graph.input(name, text=name in TEXTS) for name in (*TEXTS, *NUMBERS)}
    inputs |= {name: graph.input(name, text=name in market.texts) for name in market.columns}
    ops = GraphOps()
    return ops.join(_columns(inputs, levels, ops))


def _columns(inputs: Mapping[str, Any], levels: PriceLevels, ops: Any) -> list[Any]:  # noqa: ANN401 - arrays or nodes
    around = ops.lookup(inputs["neighborhood"], levels.neighborhoods, levels.neighborhood_table)
    stock = dict(zip(OF_NEIGHBORHOOD, around, strict=True))
    on_street = ops.lookup(inputs["street"], levels.streets, levels.street_table)
    street = dict(zip(OF_STREET, on_street, strict=True))
    area, rooms = inputs["area_m2"], inputs["rooms"]
    fees = inputs["adm_fees"]
    market = levels.market
    fees = ops.where((fees <= market.fees.placeholder) | (fees >= market.fees.oversized), NAN, fees)
    place = _place(inputs, stock, market, ops)
    columns = {
        "area_m2": area,
        "rooms": rooms,
        "garage_places": inputs["garage_places"],
        "adm_fees": fees,
        **place,
        "fee_per_m2": fees / area,
        "area_per_room": area / ops.where(rooms >= 1.0, rooms, NAN),
        "relative_area": area / stock["area"],
        "km_from_centre": km_between(place, _degrees(market), market, ops.sqrt),
        **{f"neighborhood_{name}": stock[name] for name in OF_NEIGHBORHOOD if name not in PLACE},
        **{f"street_{name}": street[name] for name in OF_STREET},
    }
    own = [
        ops.lookup(inputs[name], *levels.texts[name])[0] if name in levels.texts else inputs[name]
        for name in market.columns
    ]
    return [*(columns[name] for name in COLUMNS), *own]


def _degrees(market: Market) -> dict[str, float]:
    return {name: getattr(market.centre, name) for name in PLACE}


def _place(inputs: Mapping[str, Any], stock: Mapping[str, Any], market: Market, ops: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return where a listing is: its own place unless a namesake of its street, else the neighbourhood's centre."""
    inside = inside_box(inputs, market)
    place = {name: ops.where(inside, inputs[name], NAN) for name in PLACE}
    near = km_between(place, stock, market, ops.sqrt) <= market.namesake_km
    unknown_centre = ops.unknown(stock["latitude"])
    return {name: ops.where(near | unknown_centre, place[name], stock[name]) for name in PLACE}
