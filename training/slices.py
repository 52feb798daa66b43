"""The slices on which a challenger is compared: by price, by size of the neighbourhood, and where nobody was before."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from training.contenders import Evidence
from training.groups import Mask
from training.levels import Log


def slice_masks(said: Log, evidence: Evidence, reference: Mapping[str, Any]) -> dict[str, Mask]:
    """Return a mask of listings, shape (N,), for each slice.

    Prices are the predicted ones, `said`: among homes that turned out dear, whoever guesses high wins. What a
    neighbourhood's size is, the `reference` of the challenger's training part says.
    """
    band = np.searchsorted(np.quantile(said, [1 / 3, 2 / 3]), said)
    shares: Mapping[str, float] = reference["neighborhood"]
    listings = np.array([shares.get(each.neighborhood, 0.0) * reference["rows"] for each in evidence.features]).round()
    return {
        "price: lowest third": band == 0,
        "price: middle third": band == 1,
        "price: highest third": band == 2,
        "neighbourhood: never seen": listings == 0,
        "neighbourhood: 1 to 9 listings": (listings > 0) & (listings < 10),
        "neighbourhood: 10 to 49 listings": (listings >= 10) & (listings < 50),
        "neighbourhood: 50 listings or more": listings >= 50,
    }
