import msgspec
import numpy as np

from pricing.listing import Features
from pricing.manifest import Manifest
from tests.champions import champion
from training.promotion.contenders import Evidence
from training.promotion.slices import slice_masks


def test_slices_are_by_predicted_price_and_by_size_of_the_neighbourhood():
    homes = [
        Features(neighborhood=name, area_m2=50.0) for name in ("Buritis", "Rare", "New", "Buritis", "Middling", "New")
    ]
    market = Evidence(homes, np.zeros(6), np.arange(6).astype(str))
    reference = {"rows": 100, "neighborhood": {"Buritis": 0.6, "Rare": 0.09, "Middling": 0.31}}
    manifest = msgspec.json.decode(champion("1", reference=reference).manifest, type=Manifest)
    masks = {name: mask.tolist() for name, mask in slice_masks(np.arange(6.0), market, manifest).items()}
    assert masks["price: lowest third"] == [True, True, False, False, False, False]
    assert masks["neighbourhood: 9 listings or fewer"] == [False, True, True, False, False, True]
    assert masks["neighbourhood: 10 to 49 listings"] == [False, False, False, False, True, False]
    assert masks["neighbourhood: 50 listings or more"] == [True, False, False, True, False, False]
