"""The linear baseline, as the seed of this project had it, but for one thing: it cannot explode.

A listing with 60 garages is a typing error, and a line goes on for ever; so sizes beyond what nearly all listings of
the training part have count as the largest or smallest of these.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

from pricing.manifest import Input
from training.arrays import Floats, Log
from training.model.column_ops import GraphOps
from training.model.onnx_graph import Graph
from training.model.training_part import OUTPUT, TrainingPart
from training.params import Params

NUMBERS = ("area_m2", "rooms", "garage_places")
USUAL = (0.005, 0.995)  # quantiles of the training part between which a size is taken as it is


@dataclass(frozen=True, slots=True)
class Linear:
    """Log area, rooms and garage (the median where unknown), and a term for each neighbourhood."""

    pipeline: Pipeline
    medians: Floats
    limits: Floats  # the least and the largest that a size counts as, shape (2, 3)

    inputs: ClassVar[tuple[Input, ...]] = (
        Input("neighborhood", "string"),
        *(Input(name, "float32") for name in NUMBERS),
    )

    def predict(self, frame: pd.DataFrame) -> Log:
        """Return scikit-learn's log prices, shape (N,)."""
        return np.asarray(self.pipeline.predict(_columns(frame, self.medians, self.limits)), dtype=np.float64)

    def expected_error(self, _: pd.DataFrame) -> None:
        """Say nothing: the baseline has a price, and no idea how good it is."""

    def onnx(self) -> bytes:
        """Return the whole model as an ONNX file."""
        graph, ops = Graph(), GraphOps()
        one_hot, regression = self.pipeline[0].transformers_[0][1], self.pipeline[-1]
        names = [str(name) for name in one_hot.categories_[0]]
        terms, slopes = np.split(regression.coef_, [len(names)])
        table = (np.append(terms, 0.0) + regression.intercept_).astype(np.float32)[:, None]
        (total,) = ops.lookup(graph.input("neighborhood", text=True), names, table)
        for name, median, low, high, slope in zip(NUMBERS, self.medians, *self.limits, slopes, strict=True):
            column = graph.input(name, text=False)
            known = ops.clip(ops.where(ops.unknown(column), float(median), column), float(low), float(high))
            total = total + (ops.log(known) if name == "area_m2" else known) * float(slope)
        return graph.finish({OUTPUT: total})


def linear(part: TrainingPart, params: Params) -> Linear:  # noqa: ARG001 - every candidate is called alike
    """Fit the baseline; it has no knobs."""
    frame = part.rows.frame
    medians = frame[list(NUMBERS)].median().fillna(0.0).to_numpy(dtype=np.float32)  # 0 where nothing is known
    filled = frame[list(NUMBERS)].fillna(dict(zip(NUMBERS, medians, strict=True)))
    limits = filled.quantile(list(USUAL)).to_numpy(dtype=np.float32)
    one_hot = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["neighborhood"]), remainder="passthrough"
    )
    pipeline = make_pipeline(one_hot, LinearRegression()).fit(_columns(frame, medians, limits), part.log_price)
    return Linear(pipeline, medians, limits)


def _columns(frame: pd.DataFrame, medians: Floats, limits: Floats) -> pd.DataFrame:
    filled = frame[list(NUMBERS)].fillna(dict(zip(NUMBERS, medians, strict=True))).clip(*limits, axis=1)
    return filled.assign(area_m2=np.log(filled["area_m2"]), neighborhood=frame["neighborhood"])
