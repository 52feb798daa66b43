"""A fitted model as the artefact that serves: one ONNX file and its manifest, checked against scikit-learn."""

import hashlib
import importlib.metadata
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import onnxruntime
import pandas as pd
from numpy.typing import NDArray

from belo.errors import Failure
from pricing.listing import Features
from pricing.manifest import MODEL_NAME, Golden, Manifest, Offsets
from training.data import FIELDS, to_frame
from training.parts import Pricer

LIBRARIES = ("numpy", "onnx", "onnxruntime", "pandas", "scikit-learn")

UNSEEN = "A neighbourhood nobody has seen"

# Listings that no file need hold: what serving must still price as it did at export.
UNUSUAL = (
    Features(neighborhood=UNSEEN, area_m2=85.0),
    Features(neighborhood="Centro", area_m2=100_000.0, rooms=0.0, adm_fees=1.0, latitude=-90.0, longitude=180.0),
)


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


def run_onnx(model: bytes, frame: pd.DataFrame) -> NDArray[np.float64]:
    """Return the ONNX file's log prices of a frame as `training.data` makes it, shape (N,), on one thread."""
    ready = session(model)
    columns = {node.name: frame[node.name].to_numpy()[:, None] for node in ready.get_inputs()}
    (log_price,) = ready.run(None, columns)
    return np.asarray(log_price, dtype=np.float64).reshape(len(frame))


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


def golden_rows(model: bytes, frame: pd.DataFrame, count: int) -> list[Golden]:
    """Return `count` listings spread over the predicted prices, and unusual ones, with their log prices."""
    order = np.argsort(run_onnx(model, frame), kind="stable")
    chosen = frame.iloc[order[np.linspace(0, len(frame) - 1, count).round().astype(int)]]
    rows = [*map(to_features, chosen.to_dict("records")), *UNUSUAL]
    return [Golden(row, float(said)) for row, said in zip(rows, run_onnx(model, to_frame(rows)), strict=True)]


def to_features(row: dict[Any, Any]) -> Features:
    """Return a row of a frame as `Features`: unknown is None."""
    known = {name: row[name] for name in FIELDS if row[name] != "" and row[name] == row[name]}
    return msgspec.convert(known, Features)


def write_manifest(
    model: bytes,
    pricer: Pricer,
    *,
    version: str,
    offsets: Offsets,
    golden: list[Golden],
    metrics: dict[str, Any],
    reference: dict[str, Any],
    data_sha256: str,
    generated: bool,
    run_id: str,
) -> Manifest:
    """Return the manifest of a model."""
    return Manifest(
        name=MODEL_NAME,
        version=version,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        sha256=hashlib.sha256(model).hexdigest(),
        inputs=list(pricer.inputs),
        interval=offsets,
        golden=golden,
        metrics=metrics,
        generated_data=generated,
        data_sha256=data_sha256,
        mlflow_run_id=run_id,
        libraries={name: importlib.metadata.version(name) for name in LIBRARIES},
        reference=reference,
    )
