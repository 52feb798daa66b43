"""What the training part looked like: the distributions that the monitor holds new listings against."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pricing.reference import Bins, Offset, Reference
from training.arrays import Log
from training.model.features import NUMBERS

BINS = 10
EXTREME, MARGIN = 0.002, 1.1  # share of homes at either end, and how far beyond them nothing is said


def reference(frame: pd.DataFrame, predicted: Log, offsets: Log, expected_error: float | None = None) -> Reference:
    """Return distributions of features, predictions and errors.

    `predicted` are log prices, shape (N,), of the frame's N rows; `offsets` are log(actual / predicted) of listings
    that the model did not see. `expected_error`: what the model expects of the log price's errors, on average.
    """
    names = frame["neighborhood"].value_counts(normalize=True).sort_index()
    missing = {name: float(frame[name].isna().mean()) for name in NUMBERS}
    return Reference(
        rows=len(frame),
        numeric={name: _bins(frame[name].to_numpy(dtype=np.float64)) for name in NUMBERS},
        missing=missing | {"street": float((frame["street"] == "").mean())},
        neighborhood={str(name): float(share) for name, share in names.items()},
        log_price=_bins(predicted),
        offset=offset(offsets),
        expected_error=expected_error,
        area_per_room=_area_per_room(frame),
    )


def _area_per_room(frame: pd.DataFrame) -> list[float] | None:
    """Return between which areas a room nearly all homes are, m²; None where no rooms are known."""
    known = frame[frame["rooms"].notna()]
    if known.empty:
        return None
    per_room = (known["area_m2"] / known["rooms"].clip(lower=1)).astype(np.float64)
    low, high = per_room.quantile([EXTREME, 1 - EXTREME])
    return [float(low) / MARGIN, float(high) * MARGIN]


def offset(offsets: Log) -> Offset:
    """Return mean, standard deviation and number of log(actual / predicted)."""
    return Offset(float(offsets.mean()), float(offsets.std(ddof=1)), len(offsets))


def _bins(values: NDArray[np.float64]) -> Bins:
    known = values[~np.isnan(values)]
    if not known.size:
        return Bins([], [1.0])
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]))
    counts = np.bincount(np.searchsorted(edges, known), minlength=len(edges) + 1)
    return Bins(edges.tolist(), (counts / len(known)).tolist())
