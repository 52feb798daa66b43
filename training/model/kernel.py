"""Kernel ridge regression on a few landmarks: smooth where trees are steps, and cheap to serve.

Gaussian bumps around the centres of k-means, plus a linear part; the penalty is the kernel's own norm.
Source: Rasmussen and Williams, Gaussian Processes for Machine Learning, 8.3.1 (subset of regressors).
"""

from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.cluster import KMeans

from training.arrays import Floats, Log
from training.model.onnx_graph import Node

JITTER = 1e-6  # keeps the landmarks' own kernel matrix definite
LINEAR_PENALTY = 0.01  # of the linear part, for each 1,000 listings


class LandmarkKernelRidge(RegressorMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """A scikit-learn regressor on standardised columns of shape (N, K)."""

    def __init__(self, landmarks: int = 256, gamma: float = 0.02, alpha: float = 0.3, seed: int = 0) -> None:
        self.landmarks = landmarks
        self.gamma = gamma
        self.alpha = alpha
        self.seed = seed

    def fit(self, X: Floats, y: Log) -> Self:  # noqa: N803 - scikit-learn's name
        """Place the landmarks and solve for the weights."""
        columns = X.astype(np.float64)
        count = min(self.landmarks, len(columns))
        self.centres_ = _centres(columns.tobytes(), columns.shape[1], count, self.seed)
        self.mean_ = float(y.mean())
        bumps = self._bumps(columns)
        design = np.hstack([bumps, columns, np.ones((len(columns), 1))])
        penalty = np.diag(np.full(design.shape[1], LINEAR_PENALTY * len(columns) / 1_000))
        penalty[:count, :count] = self._bumps(self.centres_.astype(np.float64)) + JITTER * np.eye(count)
        weights = _solve(design.T @ design + self.alpha * penalty, design.T @ (y - self.mean_))
        self.bump_weights_: Log = weights[:count]
        self.slopes_: Log = weights[count:-1]
        self.intercept_ = float(weights[-1]) + self.mean_
        return self

    def predict(self, X: Floats) -> Log:  # noqa: N803
        """Return predictions, shape (N,)."""
        columns = X.astype(np.float64)
        return np.asarray(self._bumps(columns) @ self.bump_weights_ + columns @ self.slopes_ + self.intercept_)

    def _bumps(self, columns: NDArray[np.float64]) -> Log:
        centres = self.centres_.astype(np.float64)
        squares = (columns**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1)[None] - 2 * columns @ centres.T
        return np.asarray(np.exp(-self.gamma * squares))


@lru_cache(maxsize=16)
def _centres(columns: bytes, width: int, count: int, seed: int) -> Floats:
    """Return the landmarks of float64 columns, found once: a search fits the same rows again and again."""
    rows = np.frombuffer(columns).reshape(-1, width)
    clusters = KMeans(count, n_init=1, max_iter=20, random_state=seed).fit(rows)
    centres: Floats = clusters.cluster_centers_.astype(np.float32)
    centres.flags.writeable = False
    return centres


def write_kernel(columns: Node, kernel: LandmarkKernelRidge) -> Node:
    """Write a fitted regressor into a graph; return its predictions, [N, 1].

    exp(-γ |x - c|²) is exp(2γ x·c - γ|c|² - γ|x|²): one matrix product, no distances. Large weights of
    opposite signs meet in the sum over the bumps, which is therefore made of doubles.
    """
    graph, gamma = columns.graph, kernel.gamma
    centres = kernel.centres_.astype(np.float64)
    product = graph.op(
        "Gemm",
        columns,
        (2 * gamma * centres.T).astype(np.float32),
        (-gamma * (centres**2).sum(axis=1)).astype(np.float32),
    )
    own = graph.op("ReduceSumSquare", columns, axes=[1], keepdims=1)
    bumps = graph.op("Cast", graph.op("Exp", product - own * gamma), to=TensorProto.DOUBLE)
    nonlinear = graph.op("Cast", graph.op("MatMul", bumps, kernel.bump_weights_[:, None]), to=TensorProto.FLOAT)
    linear = graph.op("MatMul", columns, kernel.slopes_.astype(np.float32)[:, None])
    return nonlinear + linear + kernel.intercept_


def _solve(left: Log, right: Log) -> Log:
    return np.asarray(np.linalg.solve(left, right), dtype=np.float64)
