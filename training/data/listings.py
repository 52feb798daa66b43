"""Listings in a file, cleaned: which rows are the population, what was dropped and why.

Only rows are judged here. What a value may mean (a fee of 1, a place outside the city) is decided inside
the model, so that it holds in serving too; such rows are counted in the report and kept.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from listing_files.reading import read_rows
from pricing.listing import Features, Listing, features
from pricing.normalise import SPELLINGS, normalise, number_or_range
from pricing.places import place_key
from pricing.refusal import InvalidRecord
from terminal.errors import Failure
from training.data.cleaning import CleaningReport, Raw, Rule, touched
from training.data.frames import to_frame
from training.data.groups import group_keys

COLUMNS = (
    "address",
    "adm-fees",
    "garage-places",
    "price",
    "rooms",
    "square-foot",
    "neighborhood",
    "city",
    "latitude",
    "longitude",
)

POPULATION = (
    "price 100,000 to 4,000,000; area 20 to 1,000 m²; Belo Horizonte; a neighbourhood named; "
    "unknown rooms, garage, fees and places stay in"
)
PRICES = (100_000.0, 4_000_000.0)  # BRL; below are monthly rents and typing errors
AREAS = (20.0, 1_000.0)  # m²
CITY = "Belo Horizonte"
SLIPS = frozenset({"I", "040"})  # pieces of an address that the scraper took for a neighbourhood

BROKEN_ROW, DEAR = "broken row", "price above 4,000,000"

MIN_ROWS = 100  # fewer make no model
MIN_SHARE = 0.5  # of the rows; a file that mostly fails is not a file of listings


@dataclass(frozen=True, slots=True)
class Dataset:
    """The population of a file.

    `frame` has the fields of `Features` as the model sees them (text, and float32 with NaN), and `price`
    (BRL, float64); `groups` names each row's group of listings that may be the same home, shape (N,). `dear` are the
    listings that only their price keeps out of the population, with `dear_groups`: nobody knows a price when a home is
    priced, so an interval's promise is for them, too.
    """

    frame: pd.DataFrame
    groups: NDArray[np.str_]
    dear: pd.DataFrame
    dear_groups: NDArray[np.str_]
    report: CleaningReport
    sha256: str
    generated: bool
    name: str

    @property
    def population_sha256(self) -> str:
        """Return a hash of `frame`, which the rules of cleaning change where the file's own, `sha256`, stays."""
        return hashlib.sha256(self.frame.to_csv(index=False).encode()).hexdigest()


_DROPS: tuple[tuple[str, str, Callable[[Listing, float | None], bool]], ...] = (
    ("price unknown", "nothing to learn from", lambda _, price: price is None),
    ("price below 100,000", "monthly rents among the sales", lambda _, price: _below(price, PRICES[0])),
    (DEAR, "outside the population; intervals hold for them, too", lambda _, price: _above(price, PRICES[1])),
    ("area below 20 m²", "typing errors, parking spaces", lambda home, _: home.area_m2 < AREAS[0]),
    ("area above 1,000 m²", "land, buildings, typing errors", lambda home, _: home.area_m2 > AREAS[1]),
    ("another city", "scraping slips and other towns", lambda home, _: home.city != CITY),
    ("neighbourhood slip", "a piece of an address", lambda home, _: _is_slip(home.neighborhood)),
)


def _is_slip(neighborhood: str) -> bool:
    return neighborhood in SLIPS or not place_key(neighborhood)


def _below(price: float | None, limit: float) -> bool:
    return price is not None and price < limit


def _above(price: float | None, limit: float) -> bool:
    return price is not None and price > limit


def read_listings(path: Path, *, generated: bool = False) -> Dataset:
    """Return the population of a listings file with the Kaggle header, read as `belo publish` and `belo score` read it.

    A row that is no listing is dropped, and counted by the field that is refused. Raises `Failure` naming file and
    column where the file cannot be read, lacks a column, is empty, or holds mostly rows that fail the rules.
    """
    kept: list[tuple[Raw, Features]] = []
    prices: list[float | None] = []
    dear: list[tuple[Features, float | None]] = []
    refused: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    for number, row in read_rows(path, on_columns=partial(_require_columns, path)):
        try:
            raw, home = _whole(row, number)
        except InvalidRecord as error:
            refused[_what(error)] += 1
            continue
        price = _price(raw)
        reasons = [name for name, _, fails in _DROPS if fails(home, price)]
        if reasons:
            dropped[reasons[0]] += 1
        if reasons == [DEAR]:
            dear.append((features(home), price))
        elif not reasons:
            kept.append((raw, features(home)))
            prices.append(price)
    frame = to_frame([home for _, home in kept]).assign(price=np.array(prices, dtype=np.float64))
    beyond = to_frame([home for home, _ in dear]).assign(price=np.array([price for _, price in dear], dtype=np.float64))
    rows = len(kept) + refused.total() + dropped.total()
    report = CleaningReport(rows, (*_rules(refused, dropped), *touched(kept, frame)), len(kept))
    _refuse_a_bad_file(path, report)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    groups = group_keys(frame)
    return Dataset(frame, groups, beyond, _beside(frame, groups, beyond), report, digest, generated, path.name)


def _beside(frame: pd.DataFrame, groups: NDArray[np.str_], others: pd.DataFrame) -> NDArray[np.str_]:
    """Return the groups of other listings: where they belong to homes of the frame, under the name of its group."""
    ours, theirs = np.split(group_keys(pd.concat([frame, others], ignore_index=True)), [len(frame)])
    names = dict(zip(ours.tolist(), groups.tolist(), strict=True))
    return np.array([names.get(each, each) for each in theirs.tolist()], dtype=groups.dtype)


def _require_columns(path: Path, names: list[str]) -> None:
    canonical = {SPELLINGS.get(name, name) for name in names}
    missing = [name for name in COLUMNS if SPELLINGS.get(name, name) not in canonical]
    if missing:
        raise Failure(f"{path}: no column {', '.join(missing)}; the header should be {','.join(COLUMNS)}")


def _whole(row: dict[str, object] | InvalidRecord, number: int) -> tuple[Raw, Listing]:
    if isinstance(row, InvalidRecord):
        raise row
    return row, normalise(row, f"L-{number}")


def _what(error: InvalidRecord) -> str:
    """Return what was refused: a field's name, or the row as a whole."""
    return BROKEN_ROW if error.reason == "invalid_json" else str(error).partition(":")[0]


def _price(row: Raw) -> float | None:
    try:
        return number_or_range(str(row.get("price")))
    except ValueError:
        return None


def _rules(refused: Mapping[str, int], dropped: Mapping[str, int]) -> tuple[Rule, ...]:
    reasons = {BROKEN_ROW: "quotes or commas astray"}
    refusals = [
        Rule(f"no listing: {what}", count, dropped=True, why=reasons.get(what, "missing, or refused on the stream too"))
        for what, count in sorted(refused.items())
    ]
    return (*refusals, *(Rule(name, dropped[name], dropped=True, why=why) for name, why, _ in _DROPS))


def _refuse_a_bad_file(path: Path, report: CleaningReport) -> None:
    if not report.rows_in:
        raise Failure(f"{path}: no listings in it")
    if report.rows_out >= max(MIN_ROWS, MIN_SHARE * report.rows_in):
        return
    worst = max(report.rules, key=lambda rule: rule.rows if rule.dropped else 0)
    raise Failure(
        f"{path}: only {report.rows_out} of {report.rows_in} rows are sales of the population "
        f"({worst.rows} fail at: {worst.rule}); at least {MIN_ROWS} and half of the rows are needed"
    )
