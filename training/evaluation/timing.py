"""What a model costs to serve, in CPU time; the one timer of comparisons, the judge's budget and benchmarks."""

import time
from collections.abc import Callable
from statistics import median

import numpy as np
import pandas as pd

from training.export.onnx_model import session
from training.params import Judging

LISTINGS = 6_000  # of a batch
REPEATS = 5


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the CPU time of this process for a piece of work."""
    start = time.process_time()
    work()
    return time.process_time() - start


def microseconds_a_listing(work: Callable[[], object], listings: int = LISTINGS) -> float:
    """Return the median CPU time of work on a batch, µs a listing."""
    return median(cpu_seconds(work) for _ in range(REPEATS)) / listings * 1e6


def batch_run(model: bytes, frame: pd.DataFrame, listings: int = LISTINGS) -> Callable[[], object]:
    """Return a run of an ONNX file over a batch of the frame's rows, on one thread; loading is done before."""
    batch = frame.iloc[np.arange(listings) % len(frame)]
    ready = session(model)
    columns = {node.name: batch[node.name].to_numpy()[:, None] for node in ready.get_inputs()}
    return lambda: ready.run(None, columns)


def over_budget(model: bytes, frame: pd.DataFrame, budget: Judging) -> list[str]:
    """Return what about an ONNX file is too large or too slow, if anything; `frame` holds listings to price."""
    reasons = []
    if len(model) > budget.megabytes * 1e6:
        reasons.append(f"{len(model) / 1e6:.1f} MB, at most {budget.megabytes:.0f}")
    took = microseconds_a_listing(batch_run(model, frame))
    if took > budget.microseconds:
        reasons.append(f"{took:.0f} µs a listing, at most {budget.microseconds:.0f}")
    return reasons
