"""What is particular to a city: its names, money, limits and further columns. One file each, in `markets/`.

A market travels in the manifest of every model that was trained on it; nothing else in the code knows a city.
"""

import math
import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

SQUARE_FOOT = 0.09290304  # m², exactly (NIST Special Publication 811, B.8)
KM_A_DEGREE = 111.0  # of latitude
KM_A_DEGREE_AT_THE_EQUATOR = 111.3  # of longitude

Range = tuple[float, float]  # from, to
Name = Annotated[str, Meta(min_length=1, max_length=64)]


class InvalidMarket(ValueError):
    """A market that cannot be: `str(error)` names the field and the value."""


class Place(Struct, frozen=True, forbid_unknown_fields=True):
    """A point, in degrees."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]


class Box(Struct, frozen=True, forbid_unknown_fields=True):
    """The part of the map that homes of the market lie in, degrees from and to; elsewhere a place is a mistake."""

    latitude: Range
    longitude: Range


class Population(Struct, frozen=True, forbid_unknown_fields=True):
    """What is trained and measured on: prices in the market's currency, areas in m², both inclusive."""

    price: Range
    area_m2: Range

    def holds(self, price: float, area_m2: float) -> bool:
        """Return whether a home of a price and an area is one of those that models are made for."""
        (cheapest, dearest), (smallest, largest) = self.price, self.area_m2
        return cheapest <= price <= dearest and smallest <= area_m2 <= largest


class Fees(Struct, frozen=True, forbid_unknown_fields=True):
    """Monthly fees that are none: up to `placeholder` typed to fill a form, from `oversized` on typed by mistake."""

    placeholder: float
    oversized: float


class Affixes(Struct, frozen=True, forbid_unknown_fields=True):
    """Words before and behind a neighbourhood's name that say nothing more, such as "Bairro" or the city's name."""

    before: tuple[Name, ...] = ()
    after: tuple[Name, ...] = ()


class Exchange(Struct, frozen=True, forbid_unknown_fields=True):
    """Another currency that prices may be reported in by mistake: what a unit of ours was worth in it, from and to."""

    name: Name
    rate: Range


class Column(Struct, frozen=True, forbid_unknown_fields=True):
    """A column that a market has beyond those of every listing; it becomes a feature.

    `names` are its headers in files, beside its own. A number lies in `limits`.
    """

    type: Literal["number", "text"]
    names: tuple[Name, ...] = ()
    limits: Range = (-1e9, 1e9)


class Market(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A market, as its file in `markets/` describes it."""

    name: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    city: Name
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]  # ISO 4217
    symbols: tuple[Name, ...] = ()  # how the currency is written beside amounts
    language: Name  # of money and places, such as pt-BR (BCP 47)
    time_zone: Name
    area_unit: Literal["m2", "sqft"] = "m2"  # of files' columns whose names state none
    decimal: Literal[".", ","] = "."  # how amounts are shown to people
    box: Box
    centre: Place
    namesake_km: float  # a place further than this from its neighbourhood's centre is a street of the same name
    population: Population
    fees: Fees
    token_price: float  # below it nothing was sold
    place_names: Affixes = Affixes()
    not_neighborhoods: tuple[Name, ...] = ()  # pieces of addresses that stand in that column by mistake
    exchange: tuple[Exchange, ...] = ()
    headers: dict[str, tuple[Name, ...]] = {}  # what this market's files call the fields of every listing
    columns: dict[str, Column] = {}

    def __post_init__(self) -> None:
        """Raise `InvalidMarket` for what a type cannot say."""
        ranges: dict[str, Range] = {
            "box.latitude": self.box.latitude,
            "box.longitude": self.box.longitude,
            "population.price": self.population.price,
            "population.area_m2": self.population.area_m2,
            "fees": (self.fees.placeholder, self.fees.oversized),
            **{f"columns.{name}.limits": column.limits for name, column in self.columns.items()},
            **{f"exchange.{each.name}": each.rate for each in self.exchange},
        }
        for name, (low, high) in ranges.items():
            if not low < high:
                raise InvalidMarket(f"{name}: expected from < to, got {low:g} and {high:g}")
        for name in ("price", "area_m2"):
            if getattr(self.population, name)[0] <= 0:
                raise InvalidMarket(f"population.{name}: expected numbers > 0, got {getattr(self.population, name)}")
        if not self.namesake_km > 0:
            raise InvalidMarket(f"namesake_km: expected a number > 0, got {self.namesake_km}")
        for name in self.columns:
            if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
                raise InvalidMarket(f"columns.{name}: expected a name of a-z, 0-9 and _, such as bathrooms")

    def contains(self, latitude: float, longitude: float) -> bool:
        """Return whether a place lies in the box."""
        (south, north), (west, east) = self.box.latitude, self.box.longitude
        return south <= latitude <= north and west <= longitude <= east

    @property
    def km_a_degree(self) -> Place:
        """Return how many kilometres a degree of latitude and of longitude are at the market's centre."""
        east = KM_A_DEGREE_AT_THE_EQUATOR * math.cos(math.radians(self.centre.latitude))
        return Place(KM_A_DEGREE, round(east, 1))

    @property
    def numbers(self) -> tuple[str, ...]:
        """Return the names of the market's own columns that are numbers."""
        return tuple(name for name, column in self.columns.items() if column.type == "number")

    @property
    def texts(self) -> tuple[str, ...]:
        """Return the names of the market's own columns that are text."""
        return tuple(name for name, column in self.columns.items() if column.type == "text")


def describe(error: msgspec.ValidationError) -> str:
    """Return what is wrong with a market file, the field first."""
    what, _, path = str(error).partition(" - at `$.")
    return f"{path.rstrip('`')}: {what}" if path else what
