"""Means over resampled groups of listings."""

import numpy as np
from numpy.typing import NDArray

from training.arrays import Log

DRAWS = 4_000


def bootstrap_means(values: Log, groups: NDArray[np.str_], draws: int = DRAWS, seed: int | None = None) -> Log:
    """Return means of `values` over resampled groups, shape (draws,); the same input gives the same draws."""
    _, place = np.unique(groups, return_inverse=True)
    total, size = np.bincount(place, weights=values), np.bincount(place)
    rng = np.random.default_rng(len(total) if seed is None else seed)
    drawn = rng.integers(len(total), size=(draws, len(total)))
    means: Log = total[drawn].sum(axis=1) / size[drawn].sum(axis=1)
    return means
