"""The champion, rescaled by one factor: the least that a new price level asks for, and often all of it.

The factor is a constant added to the log price, in the champion's own ONNX file; the interval moves along and is
widened or narrowed by one factor of its own.
"""

from dataclasses import dataclass

import msgspec
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from lambdas.drift import exact_tests as exact
from pricing.answer.interval import Predicted
from pricing.manifest import Offsets
from pricing.reference import Bins, Reference
from training.arrays import Log
from training.data.groups import folds
from training.export.reference import offset

FOLDS = 10
SURE = 1.5  # standard errors that a level must be away from none to be taken for one
CLIP = 1.5  # standard deviations from which a sale is odd
MIN_SCALED = 30  # sales; fewer do not change the interval's width
WIDTHS = (0.5, 3.0)  # what a factor on the interval may be


@dataclass(frozen=True, slots=True)
class Rescaling:
    """By how much log prices move, and by how much intervals are widened."""

    level: float
    width: float


def fit_level(offsets: Log) -> float:
    """Return the robust mean (Huber) of log(actual / predicted)."""
    level = float(np.median(offsets))
    spread = max(1.4826 * float(np.median(np.abs(offsets - level))), 1e-6)
    for _ in range(20):
        level += float(np.mean(np.clip(offsets - level, -CLIP * spread, CLIP * spread)))
    return level


def moved_level(offsets: Log) -> float:
    """Return the level of log(actual / predicted), shrunk towards 0, and 0 where it may well be chance.

    Few sales show a level where there is none, and those that win a contest are the ones that show too much of it.
    Source: James and Stein, Proc. Fourth Berkeley Symp. (1961); for one mean of t standard errors, 1 - 1 / t².
    """
    level = fit_level(offsets)
    error = 1.4826 * float(np.median(np.abs(offsets - level))) / len(offsets) ** 0.5
    return level * (1 - (error / level) ** 2) if abs(level) > SURE * error else 0.0


def fit(fresh: Log, predicted: Predicted, coverage: float) -> Rescaling:
    """Return the rescaling that fits fresh log(actual / predicted), shape (N,), of what the champion `predicted`."""
    level = moved_level(fresh)
    return Rescaling(level, fit_width(fresh - level, predicted, coverage))


def fit_width(residuals: Log, predicted: Predicted, coverage: float) -> float:
    """Return the conformal factor of the interval: what `coverage` of the residuals need.

    It is 1 where the interval may well hold what it promises.
    """
    inside = int(predicted.holds(predicted.log_price + residuals).sum())
    least, most = exact.bounds(inside, len(residuals))
    if len(residuals) < MIN_SCALED or least <= coverage <= most:
        return 1.0
    sides = np.where(residuals > 0, predicted.high, predicted.low) - predicted.log_price
    needed = residuals / np.where(np.abs(sides) < 1e-6, np.copysign(1e-6, residuals), sides)
    rank = min(1.0, coverage * (len(needed) + 1) / len(needed))
    return float(np.clip(np.quantile(needed, rank, method="higher"), *WIDTHS))


def cross_fitted_level(fresh: Log, groups: NDArray[np.str_], seed: int) -> Log:
    """Return for each sale the level fitted on the folds without its group, shape (N,)."""
    result = np.empty(len(fresh))
    for held in folds(groups, FOLDS, seed):
        result[held] = moved_level(fresh[~held]) if (~held).any() else 0.0
    return result


def apply(model: bytes, by: Rescaling) -> bytes:
    """Return the champion's ONNX file with the level added to its log price."""
    graph = onnx.load_from_string(model)
    output = graph.graph.output[0]
    count = len(graph.graph.node)
    level, shifted = f"level_{count}", f"log_price_{count}"
    graph.graph.initializer.append(helper.make_tensor(level, TensorProto.FLOAT, [1], [by.level]))
    graph.graph.node.append(helper.make_node("Add", [output.name, level], [shifted]))
    output.name = shifted
    onnx.checker.check_model(graph)
    content: bytes = graph.SerializeToString()
    return content


def offsets(champion: Offsets, by: Rescaling) -> Offsets:
    """Return the interval that goes with the rescaled champion."""
    return Offsets(
        champion.coverage,
        [edge + by.level for edge in champion.edges],
        [low * by.width for low in champion.low],
        [high * by.width for high in champion.high],
        champion.classes,
    )


def reference(champion: Reference, by: Rescaling, residuals: Log) -> Reference:
    """Return what the monitor holds new listings against: as before, but for prices and their errors."""
    prices = Bins([edge + by.level for edge in champion.log_price.edges], champion.log_price.shares)
    return msgspec.structs.replace(champion, log_price=prices, offset=offset(residuals))
