"""Columns made smooth for learners that measure distances: filled, logged, standardised, and bounded."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from training.arrays import Floats
from training.model.column_ops import ArrayOps, GraphOps
from training.model.features import COLUMNS
from training.model.onnx_graph import Node

# Columns whose ratios count; the floor keeps zeros finite.
FLOORS = {
    "area_m2": 1.0,
    "adm_fees": 1.0,
    "fee_per_m2": 0.05,
    "area_per_room": 1.0,
    "relative_area": 0.05,
    "neighborhood_listings": 0.5,
    "neighborhood_area": 1.0,
    "street_listings": 0.5,
}
CEILINGS = {"rooms": 8.0, "garage_places": 8.0}
FLAGGED = ("rooms", "garage_places", "adm_fees")  # that these are unknown says something in itself
BOUND = 4.0  # standard deviations; what lies further out is no further away


@dataclass(frozen=True, slots=True)
class Smoothing:
    """Fitted rows of float32, shape (1, columns): the medians that fill, and what standardises."""

    median: Floats
    mean: Floats
    deviation: Floats


def fit_smoothing(columns: Floats) -> Smoothing:
    """Return what fills and standardises columns of shape (N, K)."""
    known = ~np.isnan(columns).all(axis=0)  # where nothing is known, 0 fills
    median = np.nanmedian(np.where(known, columns, np.float32(0)), axis=0, keepdims=True).astype(np.float32)
    shaped = _shaped(columns, median, ArrayOps()).astype(np.float64)
    deviation = np.maximum(shaped.std(axis=0, keepdims=True), 1e-3)
    return Smoothing(median, shaped.mean(axis=0, keepdims=True).astype(np.float32), deviation.astype(np.float32))


def smooth(columns: Floats, smoothing: Smoothing) -> Floats:
    """Return smooth columns, float32 of shape (N, K + len(FLAGGED)), within ±`BOUND`."""
    result: Floats = _bounded(columns, smoothing, ArrayOps())
    return result


def write_smooth(columns: Node, smoothing: Smoothing) -> Node:
    """Write the same into a graph."""
    result: Node = _bounded(columns, smoothing, GraphOps())
    return result


def _bounded(columns: Any, smoothing: Smoothing, ops: Any) -> Any:  # noqa: ANN401 - arrays or nodes
    standard = (_shaped(columns, smoothing.median, ops) - smoothing.mean) / smoothing.deviation
    return ops.clip(standard, -BOUND, BOUND)


def _shaped(columns: Any, median: Floats, ops: Any) -> Any:  # noqa: ANN401
    unknown = ops.unknown(columns)
    known = ops.where(unknown, median, columns)
    width = median.shape[1]  # a market's own columns stand behind the others, and stay as they are
    logs = np.array([[name in FLOORS for name in COLUMNS] + [False] * (width - len(COLUMNS))])
    floors, ceilings = _row(FLOORS, 1.0, width), _row(CEILINGS, np.inf, width)
    shaped = ops.where(logs, ops.log(ops.maximum(known, floors)), ops.minimum(known, ceilings))
    places = np.array([COLUMNS.index(name) for name in FLAGGED], dtype=np.int64)
    return ops.join([shaped, ops.number(ops.pick(unknown, places))])


def _row(values: dict[str, float], otherwise: float, width: int) -> Floats:
    row = np.full((1, width), otherwise, dtype=np.float32)
    row[0, : len(COLUMNS)] = [values.get(name, otherwise) for name in COLUMNS]
    return row
