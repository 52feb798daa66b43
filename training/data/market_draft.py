"""A market file drafted from a file of listings: what is guessed is said."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
from msgspec import Struct

from listing_files.columns import compact
from listing_files.listings import PRICED_LISTINGS, REQUIRED, RowReader, Wanted
from listing_files.market_file import TAKEN
from listing_files.reading import Options
from pricing.market import Affixes, Box, Column, Fees, Market, Place, Population
from pricing.normalise import is_missing
from pricing.places import place_key
from pricing.refusal import InvalidRecord
from terminal.errors import Failure

LARGE = 400.0  # m²; no market's median home is so large
FEWEST = 20  # rows that a draft is made from
_INNER, _TAIL = (0.01, 0.99), 0.02  # quantiles that lie inside, and the share of their width that is added
_TEXTS = 40  # different values that a further column of text has at most, and a share of the rows
_SAMPLED = 50_000  # rows
_LOOKED_AT = 1_000  # rows that tell how money is written
_SYMBOL = re.compile(r"^\s*([^\d\s.,+-]{1,4})?\s*[\d.,\s]*\d\s*([^\d\s.,+-]{1,4})?\s*$")

Say = Callable[[str], object]


class Named(Struct, frozen=True):
    """What somebody has said of the market, and no file says."""

    name: str
    city: str | None
    currency: str
    area_unit: Literal["m2", "sqft"] = "m2"
    decimal: str = "."
    language: str = "en"
    time_zone: str = "UTC"


@dataclass(slots=True)
class _Seen:
    """The values of a file's columns."""

    prices: list[float] = field(default_factory=list)
    areas: list[float] = field(default_factory=list)
    latitudes: list[float] = field(default_factory=list)
    longitudes: list[float] = field(default_factory=list)
    fees: list[float] = field(default_factory=list)
    cities: Counter[str] = field(default_factory=Counter)
    further: dict[str, list[object]] = field(default_factory=dict)


def draft(file: Path, named: Named, options: Options, say: Say) -> Market:
    """Return a market whose box, population and columns are those of a file; says on the way what it guessed.

    Raises `Failure` where the file has too few listings with price and area to tell, `msgspec.ValidationError` where
    what was said cannot be.
    """
    blank = msgspec.convert(msgspec.to_builtins(_blank(named)), Market)  # which checks what was said
    blank = msgspec.structs.replace(blank, symbols=_symbols(file, blank, options))
    rows = RowReader(file, Wanted(PRICED_LISTINGS.fields, (*REQUIRED, "price")), blank, options, say=say)
    seen = _Seen()
    for read in rows:
        if isinstance(read.found, InvalidRecord):
            continue
        _see(seen, read.found, read.row, set(rows.columns.targets))
        if rows.account.rows == _SAMPLED:
            say(f"drafted from the first {_SAMPLED:,} rows")
            break
    if min(len(seen.prices), len(seen.areas)) < FEWEST:
        raise Failure(f"{file}: {len(seen.prices)} prices and {len(seen.areas)} areas; {FEWEST} are needed for a draft")
    city = named.city or (seen.cities.most_common(1)[0][0] if seen.cities else named.name.replace("-", " ").title())
    if not named.city:
        say(f"guessed: the city is {city}" + (", as most rows say" if seen.cities else ", after the market's name"))
    elsewhere = sum(count for name, count in seen.cities.items() if place_key(name) != place_key(city))
    if elsewhere:
        say(f"{elsewhere:,} of {seen.cities.total():,} rows name another city, and would be left out")
    box, centre = _place(seen, say)
    population = Population(price=_range(seen.prices), area_m2=_range(seen.areas))
    limits = f"price {_words(population.price)} {named.currency}, area {_words(population.area_m2)} m²"
    say(f"guessed: the population is {limits}: 98 % of the rows, and a little more")
    if named.area_unit == "m2" and np.median(seen.areas) > LARGE:
        say(f"the median area is {np.median(seen.areas):,.0f} m²: are these square feet? --area-unit sqft")
    columns = _columns(seen, say)
    return msgspec.structs.replace(
        blank,
        city=city,
        box=box,
        centre=centre,
        population=population,
        fees=_fees(seen, say),
        token_price=population.price[0] / 100,
        place_names=Affixes(after=(city,)),
        headers={name: (column,) for name, column in options.columns.items()},
        columns=columns,
    )


def _blank(named: Named) -> Market:
    return Market(
        name=named.name,
        city=named.city or named.name,
        currency=named.currency,
        language=named.language,
        decimal="," if named.decimal == "," else ".",
        area_unit=named.area_unit,
        time_zone=named.time_zone,
        box=Box(latitude=(-90.0, 90.0), longitude=(-180.0, 180.0)),
        centre=Place(0.0, 0.0),
        namesake_km=4.0,
        population=Population(price=(1.0, 1e12), area_m2=(1.0, 1e5)),
        fees=Fees(placeholder=0.0, oversized=1e7),
        token_price=1.0,
    )


def _symbols(file: Path, blank: Market, options: Options) -> tuple[str, ...]:
    """Return what stands beside many of the file's prices, such as a euro sign."""
    rows = RowReader(file, Wanted(PRICED_LISTINGS.fields, REQUIRED), blank, options)
    seen: Counter[str] = Counter()
    count = 0
    for count, read in enumerate(islice(rows, _LOOKED_AT), start=1):  # noqa: B007 - how many there were
        for column, target in rows.columns.targets.items():
            if target.field == "price" and isinstance(value := read.row.get(column), str):
                seen.update(each for pair in _SYMBOL.findall(value) for each in pair if each)
    return tuple(symbol for symbol, times in seen.most_common(3) if times >= count / 5)


def _see(seen: _Seen, found: dict[str, object], row: dict[str, object], read: set[str]) -> None:
    for name, values in (
        ("price", seen.prices),
        ("area_m2", seen.areas),
        ("latitude", seen.latitudes),
        ("longitude", seen.longitudes),
        ("adm_fees", seen.fees),
    ):
        value = found.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and value > -1e12:
            values.append(float(value))
    if isinstance(city := found.get("city"), str):
        seen.cities[city] += 1
    for column, value in row.items():
        if column not in read and column.strip() and not is_missing(value):
            seen.further.setdefault(column, []).append(value)


def _range(values: list[float]) -> tuple[float, float]:
    low, high = np.quantile(values, _INNER)
    return _round(low * 0.9), _round(high * 1.1)


def _round(value: float) -> float:
    """Return a number to two digits."""
    return float(f"{value:.2g}")


def _words(limits: tuple[float, float]) -> str:
    return f"{limits[0]:,.0f} to {limits[1]:,.0f}"


def _place(seen: _Seen, say: Say) -> tuple[Box, Place]:
    if min(len(seen.latitudes), len(seen.longitudes)) < FEWEST:
        say("guessed: no places in the file, so the box is the whole world; nothing will be outside it")
        return Box(latitude=(-90.0, 90.0), longitude=(-180.0, 180.0)), Place(0.0, 0.0)
    edges = []
    for values in (seen.latitudes, seen.longitudes):
        low, high = np.quantile(values, _INNER)
        margin = max((high - low) * _TAIL, 0.005)
        edges.append((round(float(low - margin), 3), round(float(high + margin), 3)))
    centre = Place(*(round(float(np.median(values)), 3) for values in (seen.latitudes, seen.longitudes)))
    say(f"guessed: the centre is the median of the places, {centre.latitude}, {centre.longitude}")
    return Box(latitude=edges[0], longitude=edges[1]), centre


def _fees(seen: _Seen, say: Say) -> Fees:
    if len(seen.fees) < FEWEST:
        return Fees(placeholder=0.0, oversized=1e6)
    middle, high = np.quantile(seen.fees, [0.5, 0.99])
    fees = Fees(placeholder=_round(middle / 25), oversized=_round(high * 10))
    say(f"guessed: monthly fees up to {fees.placeholder:,.0f} and from {fees.oversized:,.0f} on are none")
    return fees


def _columns(seen: _Seen, say: Say) -> dict[str, Column]:
    """Return the further columns that look like features: numbers, and text of few values."""
    found: dict[str, Column] = {}
    for column, values in seen.further.items():
        name = place_key(column).replace(" ", "_")
        if (
            name in TAKEN
            or not name[:1].isalpha()
            or compact(column) in ("id", "index", "url", "title", "description")
            or name in found
        ):
            continue
        numbers = [each for each in map(_number, values) if each is not None]
        if len(values) < FEWEST:
            continue
        if len(numbers) >= 0.95 * len(values):
            if len(set(numbers)) > 1 and not _counts(numbers):
                low, high = min(numbers), max(numbers)
                margin = max(abs(low), abs(high), 1.0)
                limits = (float(np.floor(min(low - margin, 0.0))), float(np.ceil(high + margin)))
                found[name] = Column("number", (column,), limits)
        elif 1 < len(set(map(str, values))) <= min(_TEXTS, len(values) / 5):
            found[name] = Column("text", (column,))
    if found:
        say(
            f"guessed: further features {', '.join(found)}; leave out what is no feature of a home (ids, dates, prices)"
        )
    return found


def _counts(numbers: list[float]) -> bool:
    """Return whether numbers only count the rows."""
    return all(after - before == 1 for before, after in pairwise(numbers))


def _number(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(str(value))
    except ValueError:
        return None
