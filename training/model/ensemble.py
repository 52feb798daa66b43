"""Fitted learners on encoded columns, and the model that averages them."""

import functools
import operator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import ElasticNet

from pricing.manifest import Input
from training.arrays import Floats, Log
from training.model import features
from training.model.expected_error import ErrorSizes
from training.model.kernel import LandmarkKernelRidge, write_kernel
from training.model.onnx_graph import Graph, Node
from training.model.price_levels import PriceLevels
from training.model.smoothing import Smoothing, smooth, write_smooth
from training.model.training_part import ERROR_OUTPUT, OUTPUT
from training.model.trees import write_boosting


class Learner(Protocol):
    """A fitted learner on the columns of `training.model.features`."""

    def predict(self, columns: Floats) -> Log:
        """Return log prices, shape (N,)."""
        ...

    def write(self, columns: Node) -> Node:
        """Write the learner into a graph; return its log prices, [N, 1]."""
        ...


@dataclass(frozen=True, slots=True)
class Trees:
    """Boosted trees."""

    learner: HistGradientBoostingRegressor

    def predict(self, columns: Floats) -> Log:
        """Return log prices, shape (N,)."""
        return np.asarray(self.learner.predict(columns), dtype=np.float64)

    def write(self, columns: Node) -> Node:
        """Write the trees as one node."""
        return write_boosting(columns, self.learner)


@dataclass(frozen=True, slots=True)
class Smooth:
    """A learner on smooth columns."""

    smoothing: Smoothing
    learner: LandmarkKernelRidge | ElasticNet

    def predict(self, columns: Floats) -> Log:
        """Return log prices, shape (N,)."""
        return np.asarray(self.learner.predict(smooth(columns, self.smoothing)), dtype=np.float64)

    def write(self, columns: Node) -> Node:
        """Write the smoothing and the learner."""
        smoothed = write_smooth(columns, self.smoothing)
        if isinstance(self.learner, LandmarkKernelRidge):
            return write_kernel(smoothed, self.learner)
        slopes = self.learner.coef_.astype(np.float32)[:, None]
        return smoothed.graph.op("MatMul", smoothed, slopes) + float(self.learner.intercept_)


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Price levels of neighbourhoods and streets, and the mean of the learners that read them, each with its share.

    `errors` say how large the error of that mean will be, once somebody has measured it.
    """

    levels: PriceLevels
    learners: tuple[Learner, ...]
    shares: tuple[float, ...] = (1.0,)
    errors: ErrorSizes | None = None

    @property
    def inputs(self) -> tuple[Input, ...]:
        """Return the inputs of the ONNX file."""
        market = self.levels.market
        texts, numbers = (*features.TEXTS, *market.texts), (*features.NUMBERS, *market.numbers)
        return (*(Input(name, "string") for name in texts), *(Input(name, "float32") for name in numbers))

    def predict(self, frame: pd.DataFrame) -> Log:
        """Return scikit-learn's log prices, shape (N,)."""
        columns = features.matrix(frame, self.levels)
        predicted = [learner.predict(columns) for learner in self.learners]
        return np.asarray(np.average(predicted, axis=0, weights=self.shares))

    def expected_error(self, frame: pd.DataFrame) -> Log | None:
        """Return the expected sizes of errors of the log price, shape (N,); None before they were learnt."""
        return self.errors.predict(features.matrix(frame, self.levels)) if self.errors else None

    def onnx(self) -> bytes:
        """Return the whole model as an ONNX file."""
        graph = Graph()
        columns = features.write(graph, self.levels)
        said = [learner.write(columns) * share for learner, share in zip(self.learners, self.shares, strict=True)]
        outputs = {OUTPUT: functools.reduce(operator.add, said)}
        if self.errors:
            outputs[ERROR_OUTPUT] = self.errors.write(columns)
        return graph.finish(outputs)
