"""The slices on which a challenger is compared: by price, by size of the neighbourhood, and where nobody was before."""

from collections.abc import Sequence

import msgspec
import numpy as np

from pricing.listing import Features
from pricing.manifest import Manifest
from training.arrays import Log, Mask
from training.evaluation.confidence import listings_learnt
from training.export.manifest import UNSEEN
from training.promotion.contenders import Evidence

FEW = "neighbourhood: 9 listings or fewer"
NOWHERE = f"{FEW}, as if never seen"


def slice_masks(predicted: Log, evidence: Evidence, manifest: Manifest) -> dict[str, Mask]:
    """Return a mask of listings, shape (N,), for each slice.

    Prices are the predicted ones, `predicted`: among homes that turned out dear, whoever guesses high wins. What a
    neighbourhood's size is, the challenger's manifest says.
    """
    band = np.searchsorted(np.quantile(predicted, [1 / 3, 2 / 3]), predicted)
    key = manifest.neighborhood_key
    known = {key(name): count for name, count in listings_learnt(manifest).items()}
    listings = np.array([known.get(key(each.neighborhood), 0.0) for each in evidence.features]).round()
    return {
        "price: lowest third": band == 0,
        "price: middle third": band == 1,
        "price: highest third": band == 2,
        FEW: listings < 10,
        "neighbourhood: 10 to 49 listings": (listings >= 10) & (listings < 50),
        "neighbourhood: 50 listings or more": listings >= 50,
    }


def moved_nowhere(homes: Sequence[Features]) -> list[Features]:
    """Return the same homes in a neighbourhood that no model knows.

    Homes that truly are in one are too few to judge by. Those of small neighbourhoods stand for them; homes of large
    ones would not, being dearer than any model should think of a place where nothing was offered.
    """
    return [msgspec.structs.replace(each, neighborhood=UNSEEN) for each in homes]
