"""Homes that the champion has learnt and finds most alike: what an appraiser would put beside the price.

Two homes are alike where the model has the same reasons for their prices: the distance is the sum, over the groups of
inputs, of how differently they move the log price (`pricing.answer.reasons`, against the city's typical home), and
`KM_COSTS` for each km between them. A distance of 0.1 is a tenth of the price.
"""

import gzip
import hashlib
from collections.abc import Sequence

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pricing.learnt_homes import NEAR_AREA
from pricing.listing import Features
from pricing.manifest import ContractMismatch, Manifest
from pricing.places import place_key

COUNT = 5
KM_COSTS = 0.02  # of a log price
FAR = 10.0  # km, where no more is counted, and where a place is not known
SQUARE_METRE = 1.0


class LearntListing(Struct, frozen=True):
    """A listing of the training part with its price, and what each group of inputs adds to its log price."""

    home: Features
    price: float
    added: list[float]


class Comparable(Struct, frozen=True, omit_defaults=True):
    """A learnt listing, how far it is from a home in log price and in km, and its price adjusted to that home.

    `adjusted_price` is its price times what the model finds to be different; `km` is None where it is not known.
    """

    home: Features
    price: float
    adjusted_price: float
    distance: float
    km: float | None = None


class Comparables:
    """What a version has learnt, ready to be searched."""

    def __init__(self, listings: Sequence[LearntListing], manifest: Manifest) -> None:
        self._listings = listings
        self._neighborhood_key = manifest.neighborhood_key
        self._market = manifest.market
        homes = [each.home for each in listings]
        self._added = np.array([each.added for each in listings], dtype=np.float64)
        self._areas = np.array([home.area_m2 for home in homes])
        self._rooms = _numbers([home.rooms for home in homes], [home.garage_places for home in homes])
        self._places = np.array([self._place(home) for home in homes], dtype=np.float64).reshape(len(homes), 2)
        self._streets = np.array([place_key(home.street or "") for home in homes])
        self._neighborhoods = np.array([self._neighborhood_key(home.neighborhood) for home in homes])

    @classmethod
    def of_version(cls, content: bytes, manifest: Manifest) -> "Comparables":
        """Return what `encode` wrote; raises `ContractMismatch` where it is not what the version's manifest names."""
        if (found := hashlib.sha256(content).hexdigest()) != manifest.comparables_sha256:
            raise ContractMismatch(f"comparables.json.gz: expected sha256 {manifest.comparables_sha256}, got {found}")
        return cls(msgspec.json.decode(gzip.decompress(content), type=list[LearntListing]), manifest)

    def nearest(self, home: Features, added: NDArray[np.float64], count: int = COUNT) -> list[Comparable]:
        """Return the listings most like a home, the nearest first; neither the home itself nor one home twice.

        `added`, shape (G,): what each group adds to the home's log price, against the city's typical home.
        """
        if not self._listings:
            return []
        km = self._km(home)
        difference = added - self._added
        distance = np.abs(difference).sum(axis=1) + KM_COSTS * np.where(np.isnan(km), FAR, np.minimum(km, FAR))
        left_out = self._same(home)
        found: list[Comparable] = []
        for place in np.argsort(distance, kind="stable").tolist():
            if left_out[place]:
                continue
            each = self._listings[place]
            left_out |= self._same(each.home)
            adjusted = each.price * float(np.exp(difference[place].sum()))
            away = None if np.isnan(km[place]) else round(float(km[place]), 2)
            found.append(Comparable(each.home, each.price, round(adjusted, 2), round(float(distance[place]), 4), away))
            if len(found) == count:
                break
        return found

    def _same(self, home: Features) -> NDArray[np.bool_]:
        """Tell which listings may be the same home: near in area on its street, or alike in all that is counted."""
        areas, area = self._areas, home.area_m2
        apart = np.abs(areas - area)
        near = apart <= np.maximum(NEAR_AREA * np.minimum(areas, area), SQUARE_METRE)
        street = place_key(home.street or "")
        on_street = near & (self._streets == street) if street else np.zeros(len(areas), dtype=np.bool_)
        rooms = _numbers([home.rooms], [home.garage_places])
        same_rooms = ((self._rooms == rooms) | (np.isnan(self._rooms) & np.isnan(rooms))).all(axis=1)
        here = self._neighborhoods == self._neighborhood_key(home.neighborhood)
        found: NDArray[np.bool_] = on_street | ((apart <= SQUARE_METRE) & same_rooms & here)
        return found

    def _km(self, home: Features) -> NDArray[np.float64]:
        return np.asarray(np.sqrt(((self._places - np.array(self._place(home))) ** 2).sum(axis=1)))

    def _place(self, home: Features) -> tuple[float, float]:
        """Return where a home stands in km, NaN where that is not known, or not in the market."""
        market, latitude, longitude = self._market, home.latitude, home.longitude
        if market is None or latitude is None or longitude is None:
            return np.nan, np.nan
        (south, north), (west, east) = market.box.latitude, market.box.longitude
        if not (south <= latitude <= north and west <= longitude <= east):
            return np.nan, np.nan
        return latitude * market.km_a_degree.latitude, longitude * market.km_a_degree.longitude


def encode(listings: Sequence[LearntListing]) -> bytes:
    """Return listings as `comparables.json.gz`; the same listings give the same bytes."""
    return gzip.compress(msgspec.json.encode(listings), mtime=0)


def _numbers(*columns: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array(columns, dtype=np.float64).T
