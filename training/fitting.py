"""A candidate fitted on the training part, calibrated, exported and measured; before it has a version."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pricing.manifest import Offsets
from training.data.groups import split
from training.data.listings import Dataset
from training.evaluation.conformal import EncodedFolds, calibrate, encode_folds, out_of_fold
from training.evaluation.figures import figures
from training.export.onnx_model import Parity, check_parity, run_onnx
from training.model.candidates import CANDIDATES
from training.model.training_part import Pricer, Rows, TrainingPart, prepare, rows_of
from training.params import Params


@dataclass(frozen=True, slots=True)
class EncodedSplit:
    """A file, split and encoded once for all that is tried on it."""

    data: Dataset
    training: Rows
    test: Rows
    whole: TrainingPart
    folds: EncodedFolds


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted model whose ONNX file agrees with scikit-learn on every row of its file."""

    pricer: Pricer
    model: bytes
    offsets: Offsets
    figures: Mapping[str, Any]
    parity: Parity


def split_and_encode(data: Dataset, params: Params) -> EncodedSplit:
    """Split a file by group and encode its training part, whole and by fold."""
    rows = rows_of(data)
    held = split(data.groups, params.seed, params.split.test_share)
    training = rows.take(~held)
    return EncodedSplit(
        data,
        training,
        rows.take(held),
        prepare(training, params, params.seed),
        encode_folds(training, params, params.seed),
    )


def fit(encoded: EncodedSplit, params: Params, candidate: str) -> Fitted:
    """Fit a candidate; raises `Failure` where ONNX and scikit-learn differ on any row of the file."""
    recipe = CANDIDATES[candidate]
    predicted = out_of_fold(recipe, encoded.training, encoded.folds, params)
    offsets = calibrate(predicted, encoded.training.log_price, params)
    pricer = recipe(encoded.whole, params)
    model = pricer.onnx()
    parity = check_parity(pricer, model, encoded.data.frame, params.export.parity)
    return Fitted(pricer, model, offsets, figures(run_onnx(model, encoded.test.frame), offsets, encoded.test), parity)
