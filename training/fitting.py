"""A candidate fitted on the training part, calibrated, exported and measured; before it has a version."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pricing.answer.interval import Predicted
from pricing.manifest import Offsets
from terminal.errors import Failure
from training.data.groups import kept_apart
from training.data.listings import Dataset
from training.evaluation.conformal import EncodedFolds, calibrated, encode
from training.evaluation.figures import figures
from training.evaluation.fits import Fits
from training.export.onnx_model import Parity, check_parity, predict_onnx
from training.model.candidates import CANDIDATES
from training.model.cores import ALONE, Cores
from training.model.training_part import Pricer, Rows, TrainingPart, dear_rows_of, rows_of, together
from training.params import Params


@dataclass(frozen=True, slots=True)
class EncodedSplit:
    """A file, split and encoded once for all that is tried on it.

    `dear` are listings beside the training part that only their price keeps out of the population: intervals are
    calibrated on them, too. `test_at_any_price` is the test part with such listings of its own.
    """

    data: Dataset
    training: Rows
    test: Rows
    dear: Rows
    test_at_any_price: Rows
    whole: TrainingPart
    folds: EncodedFolds


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted model whose ONNX file agrees with scikit-learn on every row of its file."""

    pricer: Pricer
    model: bytes
    offsets: Offsets
    predicted: Predicted  # of the test part
    expected_error: float | None  # of the log price, mean over what was held out of the folds
    figures: Mapping[str, Any]
    coverage_at_any_price: float  # of the test part and of the listings that only their price keeps out of it
    parity: Parity


def split_and_encode(data: Dataset, params: Params, cores: Cores = ALONE) -> EncodedSplit:
    """Keep apart what no champion learns, and encode the others, the training part, whole and by fold.

    Raises `Failure` where all prices are equal.
    """
    if data.frame["price"].nunique() == 1:
        price = f"{data.frame['price'].iloc[0]:,.0f} {data.market.currency}"
        raise Failure(f"{data.name}: all {len(data.frame):,} prices are {price}; there is nothing to learn")
    rows, dear = rows_of(data), dear_rows_of(data)
    every = together(rows, dear)
    kept = kept_apart(every.frame, every.groups, params.split.turn, params.split.kept_share)
    held, held_dear = np.split(kept, [len(rows.groups)])
    training, test = rows.take(~held), rows.take(held)
    whole, encoded_folds = encode(training, params, params.seed, cores)
    return EncodedSplit(
        data,
        training,
        test,
        dear.take(~held_dear),
        together(test, dear.take(held_dear)),
        whole,
        encoded_folds,
    )


def fit(encoded: EncodedSplit, params: Params, candidate: str, fits: Fits | None = None) -> Fitted:
    """Fit a candidate; raises `Failure` where ONNX and scikit-learn differ on any row of the file."""
    made = calibrated(CANDIDATES[candidate], encoded.whole, encoded.dear, encoded.folds, params, fits)
    pricer, offsets = made.pricer, made.offsets
    model = pricer.onnx()
    parity = check_parity(pricer, model, encoded.data.frame, params.export.parity)
    every = encoded.test_at_any_price
    at_any_price = float(predict_onnx(model, every.frame, offsets).holds(every.log_price).mean())
    predicted = predict_onnx(model, encoded.test.frame, offsets)
    expected = made.held_out.expected_error
    expected_error = None if expected is None else float(expected.mean())
    return Fitted(
        pricer, model, offsets, predicted, expected_error, figures(predicted, encoded.test), at_any_price, parity
    )
