"""What the training part looked like: the distributions that the monitor holds new listings against."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.arrays import Log
from training.model.features import NUMBERS

BINS = 10


def reference(frame: pd.DataFrame, predicted: Log, test_offsets: Log) -> dict[str, Any]:
    """Return distributions of features, predictions and errors, as they stand in a manifest.

    `numeric`: bin edges (the outer bins are open) and the shares of known values in the bins; `missing`:
    share of unknown values; `neighborhood`: share by name; `log_price`: bins of predictions; `offset`: mean,
    standard deviation and number of log(actual / predicted) on the test part.
    """
    names = frame["neighborhood"].value_counts(normalize=True).sort_index()
    return {
        "rows": len(frame),
        "numeric": {name: _bins(frame[name].to_numpy(dtype=np.float64)) for name in NUMBERS},
        "missing": {name: float(frame[name].isna().mean()) for name in NUMBERS}
        | {"street": float((frame["street"] == "").mean())},
        "neighborhood": {str(name): float(share) for name, share in names.items()},
        "log_price": _bins(predicted),
        "offset": {
            "mean": float(test_offsets.mean()),
            "sd": float(test_offsets.std(ddof=1)),
            "n": len(test_offsets),
        },
    }


def _bins(values: NDArray[np.float64]) -> dict[str, list[float]]:
    known = values[~np.isnan(values)]
    if not known.size:
        return {"edges": [], "shares": [1.0]}
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]))
    counts = np.bincount(np.searchsorted(edges, known), minlength=len(edges) + 1)
    return {"edges": edges.tolist(), "shares": (counts / len(known)).tolist()}
