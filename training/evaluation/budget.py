"""What a model may cost to serve: the judge's budget of time and size, asked of a file that has no version yet."""

import time
from statistics import median

import numpy as np
import pandas as pd

from training.export.onnx_model import run_onnx
from training.params import Judging

ROWS = 6_000
REPEATS = 3


def over_budget(model: bytes, frame: pd.DataFrame, budget: Judging) -> list[str]:
    """Return what about an ONNX file is too large or too slow, if anything; `frame` holds listings to price."""
    reasons = []
    if len(model) > budget.megabytes * 1e6:
        reasons.append(f"{len(model) / 1e6:.1f} MB, at most {budget.megabytes:.0f}")
    took = _microseconds(model, frame)
    if took > budget.microseconds:
        reasons.append(f"{took:.0f} µs a listing, at most {budget.microseconds:.0f}")
    return reasons


def _microseconds(model: bytes, frame: pd.DataFrame) -> float:
    """Return the median time of a listing in a large batch, on one thread, loading left out."""
    small = frame.iloc[:1]
    large = frame.iloc[np.arange(ROWS) % len(frame)]
    took = [_seconds(model, large) - _seconds(model, small) for _ in range(REPEATS)]
    return median(took) / ROWS * 1e6


def _seconds(model: bytes, frame: pd.DataFrame) -> float:
    start = time.process_time()
    run_onnx(model, frame)
    return time.process_time() - start
