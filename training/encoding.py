"""What the learners read of a listing: cleaned numbers, ratios, and what a neighbourhood and a street are worth.

The columns are described once, in `_columns`, and computed by numpy in training and by ONNX in serving.
What stands before the trees is exactly rounded in both (no logarithms), so that a value cannot fall
on different sides of a threshold. Tables of levels are fitted on log prices, cross-fitted in training.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.graph import ArrayOps, Floats, Graph, GraphOps, Node
from training.groups import folds
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
    "neighborhood_level",
    "neighborhood_listings",
    "street_effect",
)

PLACEHOLDER_FEE = 20.0  # BRL a month; up to this a fee was typed to fill the form
BOX = {"latitude": (-20.06, -19.77), "longitude": (-44.07, -43.85)}  # the metropolitan area, degrees
NAN = np.float32(np.nan)

Log = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Levels:
    """Fitted tables, float32: rows by key and, last, the row of keys never seen.

    `neighborhood_table` has the columns level and listings; `street_table` has effect.
    """

    neighborhoods: tuple[str, ...]
    neighborhood_table: Floats
    streets: tuple[str, ...]
    street_table: Floats


def fit_levels(frame: pd.DataFrame, log_price: Log, params: Encoding) -> Levels:
    """Return what each neighbourhood and street adds to a log price, shrunk by its number of listings.

    The level is what remains of the log price after area, rooms and garage (slopes found within
    neighbourhoods), the street's effect what remains after the level as well.
    """
    rest = _without_size(frame, log_price)
    city = float(rest.mean())
    names, level, count = _shrunk(frame["neighborhood"], rest, city, params.neighborhood_prior)
    by_name = dict(zip(names, level, strict=True))
    rest = rest - frame["neighborhood"].map(by_name).to_numpy(dtype=np.float64)
    streets, effect, _ = _shrunk(frame["street"], rest, 0.0, params.street_prior)
    return Levels(
        names,
        np.column_stack([np.append(level, city), np.append(count, 0.0)]).astype(np.float32),
        streets,
        np.append(effect, 0.0)[:, None].astype(np.float32),
    )


def _without_size(frame: pd.DataFrame, log_price: Log) -> Log:
    size = np.column_stack([np.log(frame["area_m2"].to_numpy(dtype=np.float64)), _filled(frame, "rooms"), _filled(frame, "garage_places")])
    place = frame["neighborhood"].to_numpy()
    within = pd.DataFrame(np.column_stack([size, log_price])).groupby(place).transform(lambda part: part - part.mean())
    slopes, *_ = np.linalg.lstsq(within.to_numpy()[:, :-1], within.to_numpy()[:, -1], rcond=None)
    rest: Log = log_price - size @ slopes
    return rest


def _filled(frame: pd.DataFrame, name: str) -> Log:
    values = frame[name].to_numpy(dtype=np.float64)
    known = ~np.isnan(values)
    middle = float(np.median(values[known])) if known.any() else 0.0
    return np.minimum(np.where(known, values, middle), 10.0)


def _shrunk(keys: pd.Series, values: Log, prior: float, weight: float) -> tuple[tuple[str, ...], Log, Log]:
    grouped = pd.Series(values).groupby(keys.to_numpy())
    total, count = grouped.sum(), grouped.count()
    shrunk = (total + weight * prior) / (count + weight)
    return tuple(map(str, total.index)), shrunk.to_numpy(), count.to_numpy(dtype=np.float64)


def matrix(frame: pd.DataFrame, levels: Levels) -> Floats:
    """Return the columns of listings, float32 of shape (N, len(COLUMNS)), NaN where unknown."""
    inputs = {name: frame[name].to_numpy()[:, None] for name in (*TEXTS, *NUMBERS)}
    with np.errstate(divide="ignore", invalid="ignore"):
        joined: Floats = ArrayOps().join(_columns(inputs, levels, ArrayOps()))
    return joined


def cross_fitted(frame: pd.DataFrame, log_price: Log, groups: NDArray[np.str_], params: Encoding, seed: int) -> Floats:
    """Return the columns of a training part, each row's levels fitted on the folds without its group."""
    result = np.empty((len(frame), len(COLUMNS)), dtype=np.float32)
    for held in folds(groups, params.folds, seed):
        result[held] = matrix(frame[held], fit_levels(frame[~held], log_price[~held], params))
    return result


def write(graph: Graph, levels: Levels) -> Node:
    """Write the inputs and the columns into a graph; return the node of shape [N, len(COLUMNS)]."""
    inputs = {name: graph.input(name, text=name in TEXTS) for name in (*TEXTS, *NUMBERS)}
    ops = GraphOps()
    return ops.join(_columns(inputs, levels, ops))


def _columns(inputs: Mapping[str, Any], levels: Levels, ops: Any) -> list[Any]:  # noqa: ANN401 - arrays or nodes
    level, listings = ops.lookup(inputs["neighborhood"], levels.neighborhoods, levels.neighborhood_table)
    (street,) = ops.lookup(inputs["street"], levels.streets, levels.street_table)
    area, rooms = inputs["area_m2"], inputs["rooms"]
    fees = ops.where(inputs["adm_fees"] <= PLACEHOLDER_FEE, NAN, inputs["adm_fees"])
    inside = _within(inputs, "latitude") & _within(inputs, "longitude")
    columns = {
        "area_m2": area,
        "rooms": rooms,
        "garage_places": inputs["garage_places"],
        "adm_fees": fees,
        "latitude": ops.where(inside, inputs["latitude"], NAN),
        "longitude": ops.where(inside, inputs["longitude"], NAN),
        "fee_per_m2": fees / area,
        "area_per_room": area / ops.where(rooms >= 1.0, rooms, NAN),
        "neighborhood_level": level,
        "neighborhood_listings": listings,
        "street_effect": street,
    }
    return [columns[name] for name in COLUMNS]


def _within(inputs: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401
    low, high = BOX[name]
    return (inputs[name] >= low) & (inputs[name] <= high)
