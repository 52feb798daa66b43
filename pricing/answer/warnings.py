"""When a price means little: what is unlike anything that its model has learnt. The reader decides; nothing is refused.

Source of the limits: the market and the reference distributions in the model's manifest.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pricing.listing import Features, Listing
from pricing.manifest import Manifest
from pricing.places import place_key

UNKNOWN_NEIGHBORHOOD = "unknown_neighborhood"  # no listing of the training part was there
OUTSIDE_AREA = "outside_area"  # its place is not on the market's part of the map
OUTSIDE_CITY = "outside_city"  # it says so itself
OUTSIDE_POPULATION = "outside_population"  # of a size, or of a size for its rooms, that was not trained on
PRICE_EXTRAPOLATED = "price_extrapolated"  # beyond the prices that were trained on
WARNINGS = (UNKNOWN_NEIGHBORHOOD, OUTSIDE_AREA, OUTSIDE_CITY, OUTSIDE_POPULATION, PRICE_EXTRAPOLATED)

Bools = NDArray[np.bool_]


class Warnings:
    """What a model has to warn of; nothing for one whose manifest does not say what it has learnt."""

    def __init__(self, manifest: Manifest) -> None:
        self._market = manifest.market
        self._key = manifest.neighborhood_key
        self._known = frozenset(map(self._key, manifest.reference.get("neighborhood", {})))
        self._city = place_key(manifest.market.city) if manifest.market else ""
        self._per_room = manifest.reference.get("area_per_room") or (0.0, np.inf)

    def of(
        self, listings: Sequence[Listing], inputs: Sequence[Features], prices: NDArray[np.float64]
    ) -> list[tuple[str, ...]]:
        """Return the warnings of N listings with their features and prices, shape (N,); () where there are none."""
        if self._market is None or not inputs:
            return [()] * len(inputs)
        found = dict(self._found(listings, inputs, prices))
        some = np.logical_or.reduce(list(found.values()))
        every: list[tuple[str, ...]] = [()] * len(inputs)
        for row in np.flatnonzero(some).tolist():
            every[row] = tuple(name for name, mask in found.items() if mask[row])
        return every

    def _found(
        self, listings: Sequence[Listing], inputs: Sequence[Features], prices: NDArray[np.float64]
    ) -> Iterator[tuple[str, Bools]]:
        market = self._market
        if market is None:
            return
        known, key, city = self._known, self._key, self._city
        yield UNKNOWN_NEIGHBORHOOD, np.array([key(each.neighborhood) not in known for each in inputs])
        rows = [(each.latitude, each.longitude, each.area_m2, each.rooms) for each in inputs]
        latitude, longitude, area, rooms = np.array(rows, dtype=np.float64).T
        (south, north), (west, east) = market.box.latitude, market.box.longitude
        yield OUTSIDE_AREA, (latitude < south) | (latitude > north) | (longitude < west) | (longitude > east)
        yield OUTSIDE_CITY, np.array([bool(each.city) and place_key(each.city or "") != city for each in listings])
        (smallest, largest), (least, most) = market.population.area_m2, self._per_room
        per_room = area / np.maximum(rooms, 1.0)
        yield (
            OUTSIDE_POPULATION,
            (area < smallest) | (area > largest) | (per_room < least) | (per_room > most),
        )
        cheapest, dearest = market.population.price
        yield PRICE_EXTRAPOLATED, (prices < cheapest) | (prices > dearest)
