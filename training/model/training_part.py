"""A training part, ready for every candidate, and what a candidate makes of it."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pricing.manifest import Input
from training.arrays import Floats, Log, Mask
from training.data.listings import Dataset
from training.model.features import cross_fitted
from training.model.price_levels import PriceLevels, fit_levels
from training.params import Params

OUTPUT, ERROR_OUTPUT = "log_price", "expected_error"


@dataclass(frozen=True, slots=True)
class Rows:
    """Listings with their log prices and groups, all of shape (N,)."""

    frame: pd.DataFrame
    log_price: Log
    groups: NDArray[np.str_]

    def take(self, mask: Mask) -> "Rows":
        """Return some of the rows."""
        return Rows(self.frame[mask].reset_index(drop=True), self.log_price[mask], self.groups[mask])


@dataclass(frozen=True, slots=True, eq=False)
class TrainingPart:
    """Rows to train on: cross-fitted columns for the learners, levels for serving. Each is equal to itself alone."""

    rows: Rows
    columns: Floats
    levels: PriceLevels
    seed: int

    @property
    def log_price(self) -> Log:
        """Return the targets, shape (N,)."""
        return self.rows.log_price


def prepare(rows: Rows, params: Params, seed: int) -> TrainingPart:
    """Encode rows for training, once for all candidates."""
    knobs, market = params.encoding, params.market
    columns = cross_fitted(rows.frame, rows.log_price, rows.groups, knobs, market, seed)
    return TrainingPart(rows, columns, fit_levels(rows.frame, rows.log_price, knobs, market), seed)


class Pricer(Protocol):
    """A fitted model."""

    @property
    def inputs(self) -> tuple[Input, ...]:
        """Return the inputs of the ONNX file."""
        ...

    def predict(self, frame: pd.DataFrame) -> Log:
        """Return scikit-learn's log prices, shape (N,)."""
        ...

    def expected_error(self, frame: pd.DataFrame) -> Log | None:
        """Return the expected sizes of errors of the log price, shape (N,); None where it does not say."""
        ...

    def onnx(self) -> bytes:
        """Return the whole model as an ONNX file: the inputs' columns in, [N, 1] float32 log prices out.

        A second output, if any, has the expected errors.
        """
        ...


def rows_of(data: Dataset) -> Rows:
    """Return a file's population with log prices."""
    return Rows(data.frame, np.log(data.frame["price"].to_numpy(dtype=np.float64)), data.groups)


def dear_rows_of(data: Dataset) -> Rows:
    """Return the listings that only their price keeps out of a file's population, with log prices."""
    return Rows(data.dear, np.log(data.dear["price"].to_numpy(dtype=np.float64)), data.dear_groups)


def together(one: Rows, other: Rows) -> Rows:
    """Return the rows of both, in this order."""
    return Rows(
        pd.concat([one.frame, other.frame], ignore_index=True),
        np.concatenate([one.log_price, other.log_price]),
        np.concatenate([one.groups, other.groups]),
    )
