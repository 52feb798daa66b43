"""What a model may cost to serve: the judge's budget of time and size, asked of a file that has no version yet."""

import pandas as pd

from training.evaluation.timing import batch_run, microseconds_a_listing
from training.params import Judging


def over_budget(model: bytes, frame: pd.DataFrame, budget: Judging) -> list[str]:
    """Return what about an ONNX file is too large or too slow, if anything; `frame` holds listings to price."""
    reasons = []
    if len(model) > budget.megabytes * 1e6:
        reasons.append(f"{len(model) / 1e6:.1f} MB, at most {budget.megabytes:.0f}")
    took = microseconds_a_listing(batch_run(model, frame))
    if took > budget.microseconds:
        reasons.append(f"{took:.0f} µs a listing, at most {budget.microseconds:.0f}")
    return reasons
