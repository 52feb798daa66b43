"""How far the model knows how sure it is: errors and coverage by class of confidence, and coverage elsewhere."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pricing.answer.interval import CLASSES, Intervals, Predicted
from pricing.manifest import Manifest, Offsets
from training.arrays import Log, Mask
from training.evaluation.figures import point_figures, width_and_coverage
from training.model.training_part import Rows

SIZES = {"0 to 9": (0, 9), "10 to 29": (10, 29), "30 to 99": (30, 99), "100 or more": (100, np.inf)}
AREA_BANDS = 4  # equally full


def around(frame: pd.DataFrame, listings: Mapping[str, float]) -> Log:
    """Return how many listings each row's neighbourhood has among those learnt, shape (N,)."""
    return np.round(frame["neighborhood"].map(dict(listings)).fillna(0.0).to_numpy(dtype=np.float64))


def count_listings(learnt: pd.DataFrame) -> dict[str, float]:
    """Return how many listings of each neighbourhood a frame has."""
    return {str(name): float(count) for name, count in learnt["neighborhood"].value_counts().items()}


def listings_learnt(manifest: Manifest) -> dict[str, float]:
    """Return how many listings of each neighbourhood a version has learnt."""
    rows = manifest.reference["rows"]
    return {name: share * rows for name, share in manifest.reference["neighborhood"].items()}


def confidence(
    test: Rows, predicted: Predicted, offsets: Offsets, learnt: Mapping[str, float]
) -> dict[str, Any] | None:
    """Return `by_class` and `coverage_by` of a test part; None for a model that does not say how sure it is.

    `by_class`: share of homes, median APE, coverage and median width over the price for each class of confidence;
    `coverage_by`: the interval's coverage by listings learnt in the neighbourhood, by quarter of the area, and by third
    of the actual price. None where there are no homes.
    """
    if predicted.expected_error is None:
        return None
    classes = np.array(Intervals(offsets).classes(predicted))
    inside = predicted.holds(test.log_price)
    size = around(test.frame, learnt)
    area = test.frame["area_m2"].to_numpy(dtype=np.float64)
    return {
        "by_class": {each: _figures(test, predicted, classes == each) for each in CLASSES},
        "coverage_by": {
            "neighborhood_listings": {
                name: _mean(inside[(size >= least) & (size <= most)]) for name, (least, most) in SIZES.items()
            },
            "area_quarter": _by_quantile(inside, area, AREA_BANDS),
            "price_tercile": _by_quantile(inside, test.log_price, 3),
        },
    }


def _figures(test: Rows, predicted: Predicted, mask: Mask) -> dict[str, float | None]:
    share = float(mask.mean())
    if not mask.any():
        return {"share": share} | dict.fromkeys(("median_ape", "coverage", "relative_width"))
    actual, here = test.log_price[mask], predicted.take(mask)
    ape = point_figures(actual, here.log_price)["median_ape"]
    return {"share": share, "median_ape": ape} | width_and_coverage(actual, here)


def _by_quantile(inside: Mask, values: Log, bands: int) -> list[float | None]:
    band = np.searchsorted(np.quantile(values, np.linspace(0, 1, bands + 1)[1:-1]), values)
    return [_mean(inside[band == each]) for each in range(bands)]


def _mean(inside: Mask) -> float | None:
    return float(inside.mean()) if inside.size else None
