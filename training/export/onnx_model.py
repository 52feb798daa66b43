"""A fitted model as the artefact that serves: one ONNX file and its manifest, checked against scikit-learn."""

from dataclasses import dataclass

import numpy as np
import onnxruntime
import pandas as pd
from numpy.typing import NDArray

from pricing.manifest import Names
from terminal.errors import Failure
from training.data.frames import as_known
from training.model.training_part import Pricer


@dataclass(frozen=True, slots=True)
class Parity:
    """The largest relative difference between prices of scikit-learn and of ONNX, over so many rows."""

    worst: float
    rows: int


def session(model: bytes) -> onnxruntime.InferenceSession:
    """Return a session on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def run_onnx(model: bytes, frame: pd.DataFrame, names: Names | None = None) -> NDArray[np.float64]:
    """Return the ONNX file's log prices of a frame as `to_frame` makes it, shape (N,), on one thread.

    `names`: how its manifest says that it knows places, where that may be otherwise than the frame has them. Inputs
    that the frame has not are unknown.
    """
    ready = session(model)
    frame = as_known(frame, names) if names else frame
    columns = {node.name: _column(frame, node) for node in ready.get_inputs()}
    (log_price,) = ready.run(None, columns)
    return np.asarray(log_price, dtype=np.float64).reshape(len(frame))


def _column(frame: pd.DataFrame, node: onnxruntime.NodeArg) -> NDArray[np.generic]:
    if node.name in frame:
        column: NDArray[np.generic] = frame[node.name].to_numpy()[:, None]
        return column
    text = node.type == "tensor(string)"
    return np.full((len(frame), 1), "" if text else np.nan, dtype=object if text else np.float32)


def check_parity(pricer: Pricer, model: bytes, frame: pd.DataFrame, limit: float) -> Parity:
    """Return how far ONNX is from scikit-learn; raises `Failure` where a price differs by more than `limit`."""
    difference = np.abs(np.expm1(run_onnx(model, frame) - pricer.predict(frame)))
    worst = int(np.argmax(np.where(np.isnan(difference), np.inf, difference)))
    if not difference[worst] <= limit:
        raise Failure(
            f"no export: ONNX and scikit-learn differ by {difference[worst]:.2g} of the price "
            f"(allowed {limit:.0e}) on {frame.iloc[worst].to_dict()}"
        )
    return Parity(float(difference[worst]), len(frame))
