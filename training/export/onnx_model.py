"""A fitted model as the artefact that serves: one ONNX file and its manifest, checked against scikit-learn."""

from dataclasses import dataclass

import numpy as np
import onnxruntime
import pandas as pd
from numpy.typing import NDArray

from pricing.answer.interval import Predicted, intervals
from pricing.manifest import Names, Offsets
from terminal.errors import Failure
from training.arrays import Log
from training.data.frames import as_known
from training.model.training_part import Pricer


@dataclass(frozen=True, slots=True)
class Parity:
    """The largest relative difference of scikit-learn and ONNX, in prices and expected errors of so many rows."""

    worst: float
    rows: int


def session(model: bytes) -> onnxruntime.InferenceSession:
    """Return a session on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def run_onnx(model: bytes, frame: pd.DataFrame, names: Names | None = None) -> Log:
    """Return the ONNX file's log prices of a frame, as `run_outputs` does."""
    return run_outputs(model, frame, names)[0]


def predict_onnx(model: bytes, frame: pd.DataFrame, offsets: Offsets, names: Names | None = None) -> Predicted:
    """Return the ONNX file's log prices of a frame with their intervals, as `run_outputs` does."""
    log_price, expected_error = run_outputs(model, frame, names)
    return intervals(log_price, offsets, expected_error)


def run_outputs(model: bytes, frame: pd.DataFrame, names: Names | None = None) -> tuple[Log, Log | None]:
    """Return the ONNX file's log prices of a frame as `to_frame` makes it, shape (N,), on one thread.

    And the errors that it expects of them, None where it does not say. `names`: how its manifest says that it knows
    places, where that may be otherwise than the frame has them. Inputs that the frame has not are unknown.
    """
    ready = session(model)
    frame = as_known(frame, names) if names else frame
    columns = {node.name: _column(frame, node) for node in ready.get_inputs()}
    said = [each.astype(np.float64).reshape(len(frame)) for each in ready.run(None, columns)]
    return said[0], said[1] if len(said) > 1 else None


def _column(frame: pd.DataFrame, node: onnxruntime.NodeArg) -> NDArray[np.generic]:
    if node.name in frame:
        column: NDArray[np.generic] = frame[node.name].to_numpy()[:, None]
        return column
    text = node.type == "tensor(string)"
    return np.full((len(frame), 1), "" if text else np.nan, dtype=object if text else np.float32)


def check_parity(pricer: Pricer, model: bytes, frame: pd.DataFrame, limit: float) -> Parity:
    """Return how far ONNX is from scikit-learn.

    Raises `Failure` where a price, or the error expected of it, differs by more than `limit`, a fraction.
    """
    (log_price, error), expected = run_outputs(model, frame), pricer.expected_error(frame)
    difference = np.abs(np.expm1(log_price - pricer.predict(frame)))
    if error is not None and expected is not None:
        difference = np.maximum(difference, np.abs(error / expected - 1))
    worst = int(np.argmax(np.where(np.isnan(difference), np.inf, difference)))
    if not difference[worst] <= limit:
        raise Failure(
            f"no export: ONNX and scikit-learn differ by {difference[worst]:.2g} of the price "
            f"(allowed {limit:.0e}) on {frame.iloc[worst].to_dict()}"
        )
    return Parity(float(difference[worst]), len(frame))
