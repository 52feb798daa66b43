"""The manifest of a model: golden rows, and what it was made with."""

import hashlib
import importlib.metadata
import subprocess
from collections.abc import Sequence
from datetime import datetime
from itertools import repeat
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from pricing.listing import Features
from pricing.manifest import MODEL_NAME, Golden, Input, Manifest, Names, Offsets
from pricing.market import Market
from pricing.reference import Reference
from training.data.frames import features_of, to_frame
from training.export.onnx_model import run_onnx, run_outputs

LIBRARIES = ("numpy", "onnx", "onnxruntime", "pandas", "scikit-learn")

UNSEEN = "A neighbourhood nobody has seen"

# Listings that no file need hold: what serving must still price as it did at export.
UNUSUAL = (
    Features(neighborhood=UNSEEN, area_m2=85.0),
    Features(neighborhood=UNSEEN, area_m2=100_000.0, rooms=0.0, adm_fees=1.0, latitude=-90.0, longitude=180.0),
)


def golden_rows(
    model: bytes, frame: pd.DataFrame, count: int, market: Market, names: Names | None = None
) -> list[Golden]:
    """Return `count` listings spread over the predicted prices, and unusual ones, with what the model says."""
    names = names or Names(affixes=market.place_names)
    order = np.argsort(run_onnx(model, frame, names), kind="stable")
    chosen = frame.iloc[order[np.linspace(0, len(frame) - 1, count).round().astype(int)]]
    rows = [*features_of(chosen, market), *UNUSUAL]
    log_prices, errors = run_outputs(model, to_frame(rows, market), names)
    said = repeat(None) if errors is None else errors.tolist()
    return [Golden(row, *each) for row, *each in zip(rows, log_prices.tolist(), said, strict=False)]


def write_manifest(
    model: bytes,
    inputs: Sequence[Input],
    *,
    version: str,
    created_at: datetime,
    offsets: Offsets,
    golden: list[Golden],
    metrics: dict[str, Any],
    reference: Reference,
    market: Market | None,
    names: Names | None = None,
    data_sha256: str,
    generated: bool,
    run_id: str,
) -> Manifest:
    """Return the manifest of a model, made at `created_at` (UTC), with the libraries of this process."""
    return Manifest(
        name=MODEL_NAME,
        version=version,
        created_at=created_at.isoformat(timespec="seconds"),
        sha256=hashlib.sha256(model).hexdigest(),
        inputs=list(inputs),
        interval=offsets,
        golden=golden,
        metrics=metrics,
        generated_data=generated,
        data_sha256=data_sha256,
        mlflow_run_id=run_id,
        libraries={name: importlib.metadata.version(name) for name in LIBRARIES},
        reference=msgspec.to_builtins(reference),
        place_names=names.by if names else "key",
        market=market,
    )


def code_version() -> str:
    """Return the commit that the code stands at, or "unknown" outside a repository."""
    command = ["git", "describe", "--always", "--dirty"]
    try:
        found = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()
