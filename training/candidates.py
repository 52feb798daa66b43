"""The models that compete, each a few lines: fitted with scikit-learn, written as one ONNX graph.

All learn the log price from inputs that are float32 from the start: a threshold found between doubles would
send some floats down the wrong branch in serving.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

from pricing.manifest import Input
from training import encoding
from training.encoding import Levels, Log
from training.graph import Graph, GraphOps
from training.params import Params
from training.trees import write_boosting


class Pricer(Protocol):
    """A fitted model."""

    def predict(self, frame: pd.DataFrame) -> Log:
        """Return scikit-learn's log prices, shape (N,)."""
        ...

    def onnx(self) -> bytes:
        """Return the whole model as an ONNX file: the inputs' columns in, [N, 1] float32 log prices out."""
        ...

    @property
    def inputs(self) -> tuple[Input, ...]:
        """Return the inputs of the ONNX file."""
        ...


@dataclass(frozen=True, slots=True)
class Training:
    """A training part: features and groups of shape (N,), log prices of shape (N,)."""

    frame: pd.DataFrame
    log_price: Log
    groups: NDArray[np.str_]
    seed: int


Candidate = Callable[[Training, Params], Pricer]
OUTPUT = "log_price"


@dataclass(frozen=True, slots=True)
class Boosted:
    """Levels of neighbourhoods and streets, then boosted trees."""

    levels: Levels
    trees: HistGradientBoostingRegressor

    inputs = (
        *(Input(name, "string") for name in encoding.TEXTS),
        *(Input(name, "float32") for name in encoding.NUMBERS),
    )

    def predict(self, frame: pd.DataFrame) -> Log:
        """Return scikit-learn's log prices, shape (N,)."""
        return np.asarray(self.trees.predict(encoding.matrix(frame, self.levels)), dtype=np.float64)

    def onnx(self) -> bytes:
        """Return the whole model as an ONNX file."""
        graph = Graph()
        columns = encoding.write(graph, self.levels)
        return graph.finish(write_boosting(graph, columns, self.trees), OUTPUT)


def boosting(training: Training, params: Params) -> Boosted:
    """Gradient boosting on squared errors of the log price."""
    knobs = params.boosting
    columns = encoding.cross_fitted(
        training.frame, training.log_price, training.groups, params.encoding, training.seed
    )
    trees = HistGradientBoostingRegressor(
        max_iter=knobs.iterations,
        max_leaf_nodes=knobs.leaves,
        learning_rate=knobs.learning_rate,
        min_samples_leaf=knobs.min_samples_leaf,
        l2_regularization=knobs.l2,
        early_stopping=False,
        random_state=training.seed,
    ).fit(columns, training.log_price)
    return Boosted(encoding.fit_levels(training.frame, training.log_price, params.encoding), trees)


@dataclass(frozen=True, slots=True)
class Linear:
    """Log area, rooms and garage (the median where unknown), and a term for each neighbourhood."""

    pipeline: Pipeline
    medians: NDArray[np.float32]

    inputs = (
        Input("neighborhood", "string"),
        *(Input(name, "float32") for name in ("area_m2", "rooms", "garage_places")),
    )

    def predict(self, frame: pd.DataFrame) -> Log:
        """Return scikit-learn's log prices, shape (N,)."""
        return np.asarray(self.pipeline.predict(_linear_columns(frame, self.medians)), dtype=np.float64)

    def onnx(self) -> bytes:
        """Return the whole model as an ONNX file."""
        graph, ops = Graph(), GraphOps()
        place = graph.input("neighborhood", text=True)
        names = [str(name) for name in self.pipeline[0].named_transformers_["place"].categories_[0]]
        slopes = self.pipeline[-1].coef_
        table = np.append(slopes[: len(names)], 0.0)[:, None] + self.pipeline[-1].intercept_
        (total,) = ops.lookup(place, names, table.astype(np.float32))
        for i, name in enumerate(("area_m2", "rooms", "garage_places")):
            column = graph.input(name, text=False)
            known = ops.where(ops.unknown(column), self.medians[i], column)
            total = total + (ops.log(known) if name == "area_m2" else known) * float(slopes[len(names) + i])
        return graph.finish(total, OUTPUT)


def _linear_columns(frame: pd.DataFrame, medians: NDArray[np.float32]) -> pd.DataFrame:
    columns = frame[["neighborhood", "area_m2", "rooms", "garage_places"]].copy()
    for name, median in zip(columns.columns[1:], medians, strict=True):
        columns[name] = columns[name].fillna(median)
    return columns.assign(area_m2=np.log(columns["area_m2"]))


def linear(training: Training, params: Params) -> Linear:  # noqa: ARG001 - every candidate is called alike
    """The baseline, as the seed of this project had it."""
    from sklearn.compose import ColumnTransformer

    medians = training.frame[["area_m2", "rooms", "garage_places"]].median().to_numpy(dtype=np.float32)
    one_hot = ColumnTransformer(
        [("place", OneHotEncoder(handle_unknown="ignore"), ["neighborhood"])], remainder="passthrough"
    )
    pipeline = make_pipeline(one_hot, LinearRegression())
    return Linear(pipeline.fit(_linear_columns(training.frame, medians), training.log_price), medians)


CANDIDATES: dict[str, Candidate] = {"linear": linear, "boosting": boosting}
BASELINE = "linear"
CHAMPION = "boosting"
