"""When a price means little: what is unlike anything that its model has learnt. The reader decides; nothing is refused.

Source of the limits: the market and the reference distributions in the model's manifest.
"""

from collections.abc import Sequence, Set

import numpy as np
from numpy.typing import NDArray

from pricing.answer.columns import Columns
from pricing.listing import Listing
from pricing.manifest import Manifest
from pricing.places import place_key

UNKNOWN_NEIGHBORHOOD = "unknown_neighborhood"  # no listing of the training part was there
OUTSIDE_AREA = "outside_area"  # its place is not on the market's part of the map
OUTSIDE_CITY = "outside_city"  # it says so itself
OUTSIDE_POPULATION = "outside_population"  # of a size, or of a size for its rooms, that was not trained on
PRICE_EXTRAPOLATED = "price_extrapolated"  # beyond the prices that were trained on
WARNINGS = (UNKNOWN_NEIGHBORHOOD, OUTSIDE_AREA, OUTSIDE_CITY, OUTSIDE_POPULATION, PRICE_EXTRAPOLATED)


class Warnings:
    """What a model has to warn of; nothing for one whose manifest does not say what it has learnt."""

    def __init__(self, manifest: Manifest) -> None:
        self._market = manifest.market
        if self._market is None:
            return
        self._key = manifest.neighborhood_key
        self._known = frozenset(map(self._key, manifest.reference.get("neighborhood", {})))
        self._city = place_key(self._market.city)
        box, population = self._market.box, self._market.population
        per_room = manifest.reference.get("area_per_room") or (0.0, np.inf)
        limits = [box.latitude, box.longitude, population.area_m2, per_room, population.price]
        self._least, self._most = np.array(limits, dtype=np.float64).T[..., None]

    def of(self, listings: Sequence[Listing], columns: Columns, prices: NDArray[np.float64]) -> list[tuple[str, ...]]:
        """Return the warnings of N listings with their columns and prices, shape (N,); () where there are none."""
        every: list[tuple[str, ...]] = [()] * len(listings)
        if self._market is None:
            return every
        names, cities, numbers = columns.texts["neighborhood"], [each.city for each in listings], columns.numbers
        area = numbers["area_m2"]
        measured = [numbers["latitude"], numbers["longitude"], area, area / np.maximum(numbers["rooms"], 1.0), prices]
        outside = (measured < self._least) | (measured > self._most)  # nothing is outside where it is unknown
        found = {
            UNKNOWN_NEIGHBORHOOD: _among(names, {name for name in set(names) if self._key(name) not in self._known}),
            OUTSIDE_AREA: outside[0] | outside[1],
            OUTSIDE_CITY: _among(cities, {city for city in set(cities) if city and place_key(city) != self._city}),
            OUTSIDE_POPULATION: outside[2] | outside[3],
            PRICE_EXTRAPOLATED: outside[4],
        }
        for row in np.logical_or.reduce(list(found.values())).nonzero()[0].tolist():
            every[row] = tuple(name for name, mask in found.items() if mask[row])
        return every


def _among(values: Sequence[str | None], found: Set[str | None]) -> NDArray[np.bool_]:
    return np.array([each in found for each in values]) if found else np.zeros(len(values), dtype=np.bool_)
