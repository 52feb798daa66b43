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

from training.arrays import Floats, Log
from training.data.groups import folds
from training.data.values import BOX, NAMESAKE_KM, OVERSIZED_FEE, PLACEHOLDER_FEE, inside_box, km_between
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
CITY_CENTRE = {"latitude": -19.925, "longitude": -43.94}  # degrees


def matrix(frame: pd.DataFrame, levels: PriceLevels) -> Floats:
    """Return the columns of listings, float32 of shape (N, len(COLUMNS)), NaN where unknown."""
    inputs = {name: frame[name].to_numpy()[:, None] for name in (*TEXTS, *NUMBERS)}
    with np.errstate(divide="ignore", invalid="ignore"):
        joined: Floats = ArrayOps().join(_columns(inputs, levels, ArrayOps()))
    return joined


def cross_fitted(frame: pd.DataFrame, log_price: Log, groups: NDArray[np.str_], params: Encoding, seed: int) -> Floats:
    """Return the columns of a training part, each row's levels fitted on the folds without its group."""
    result = np.empty((len(frame), len(COLUMNS)), dtype=np.float32)
    for held in folds(groups, params.folds, seed):
        rest = frame[~held].reset_index(drop=True)
        result[held] = matrix(frame[held], fit_levels(rest, log_price[~held], params))
    return result


def write(graph: Graph, levels: PriceLevels) -> Node:
    """Write the inputs and the columns into a graph; return the node of shape [N, len(COLUMNS)]."""
    inputs = {name: graph.input(name, text=name in TEXTS) for name in (*TEXTS, *NUMBERS)}
    ops = GraphOps()
    return ops.join(_columns(inputs, levels, ops))


def _columns(inputs: Mapping[str, Any], levels: PriceLevels, ops: Any) -> list[Any]:  # noqa: ANN401 - arrays or nodes
    around = ops.lookup(inputs["neighborhood"], levels.neighborhoods, levels.neighborhood_table)
    stock = dict(zip(OF_NEIGHBORHOOD, around, strict=True))
    on_street = ops.lookup(inputs["street"], levels.streets, levels.street_table)
    street = dict(zip(OF_STREET, on_street, strict=True))
    area, rooms = inputs["area_m2"], inputs["rooms"]
    fees = inputs["adm_fees"]
    fees = ops.where((fees <= PLACEHOLDER_FEE) | (fees >= OVERSIZED_FEE), NAN, fees)
    place = _place(inputs, stock, ops)
    columns = {
        "area_m2": area,
        "rooms": rooms,
        "garage_places": inputs["garage_places"],
        "adm_fees": fees,
        **place,
        "fee_per_m2": fees / area,
        "area_per_room": area / ops.where(rooms >= 1.0, rooms, NAN),
        "relative_area": area / stock["area"],
        "km_from_centre": km_between(place, CITY_CENTRE, ops.sqrt),
        **{f"neighborhood_{name}": stock[name] for name in OF_NEIGHBORHOOD if name not in BOX},
        **{f"street_{name}": street[name] for name in OF_STREET},
    }
    return [columns[name] for name in COLUMNS]


def _place(inputs: Mapping[str, Any], stock: Mapping[str, Any], ops: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return where a listing is: its own place unless a namesake of its street, else the neighbourhood's centre."""
    inside = inside_box(inputs)
    place = {name: ops.where(inside, inputs[name], NAN) for name in BOX}
    near = km_between(place, stock, ops.sqrt) <= NAMESAKE_KM
    unknown_centre = ops.unknown(stock["latitude"])
    return {name: ops.where(near | unknown_centre, place[name], stock[name]) for name in BOX}
