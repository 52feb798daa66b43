"""Listings in a file, cleaned: which rows are the population, what was dropped and why.

Only rows are judged here. What a value may mean (a fee of 1, a place outside the city) is decided inside
the model, so that it holds in serving too; such rows are counted in the report and kept.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from belo.errors import Failure
from pricing.listing import Features, Listing, features
from pricing.normalise import SPELLINGS, normalise, number_or_range
from pricing.refusal import InvalidRecord
from training.cleaning import CleaningReport, Raw, Rule, touched
from training.groups import group_keys

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
FIELDS: tuple[str, ...] = Features.__struct_fields__

POPULATION = (
    "price 100,000 to 4,000,000; area 20 to 1,000 m²; Belo Horizonte; a neighbourhood named; "
    "unknown rooms, garage, fees and places stay in"
)
PRICES = (100_000.0, 4_000_000.0)  # BRL; below are monthly rents and typing errors
AREAS = (20.0, 1_000.0)  # m²
CITY = "Belo Horizonte"
SLIPS = frozenset({"I", "040"})  # pieces of an address that the scraper took for a neighbourhood

NO_LISTING = "no listing"

MIN_ROWS = 100  # fewer make no model
MIN_SHARE = 0.5  # of the rows; a file that mostly fails is not a file of listings


@dataclass(frozen=True, slots=True)
class Dataset:
    """The population of a file.

    `frame` has the fields of `Features` as the model sees them (text, and float32 with NaN), and `price`
    (BRL, float64); `groups` names each row's group of listings that may be the same home, shape (N,).
    """

    frame: pd.DataFrame
    groups: NDArray[np.str_]
    report: CleaningReport
    sha256: str
    generated: bool
    name: str


_DROPS: tuple[tuple[str, str, Callable[[Listing, float | None], bool]], ...] = (
    ("price unknown", "nothing to learn from", lambda _, price: price is None),
    ("price below 100,000", "monthly rents among the sales", lambda _, price: _below(price, PRICES[0])),
    ("price above 4,000,000", "outside the population", lambda _, price: not _below(price, PRICES[1], equal=True)),
    ("area below 20 m²", "typing errors, parking spaces", lambda home, _: home.area_m2 < AREAS[0]),
    ("area above 1,000 m²", "land, buildings, typing errors", lambda home, _: home.area_m2 > AREAS[1]),
    ("another city", "scraping slips and other towns", lambda home, _: home.city != CITY),
    ("neighbourhood slip", "a piece of an address", lambda home, _: home.neighborhood in SLIPS),
)


def _below(price: float | None, limit: float, *, equal: bool = False) -> bool:
    return price is not None and (price < limit or (equal and price == limit))


def read_listings(path: Path, *, generated: bool = False) -> Dataset:
    """Return the population of a listings file with the Kaggle header.

    Raises `Failure` naming file and column where the file cannot be read, lacks a column, is empty, or
    holds mostly rows that fail the rules.
    """
    rows = _read(path)
    kept: list[tuple[Raw, Features]] = []
    prices: list[float] = []
    dropped = dict.fromkeys([NO_LISTING, *(name for name, _, _ in _DROPS)], 0)
    for number, raw in enumerate(rows.to_dict("records"), start=1):
        row = {str(name): value for name, value in raw.items()}
        reason, home, price = _judge(row, number)
        if home is None or price is None or reason is not None:
            dropped[reason or NO_LISTING] += 1
        else:
            kept.append((row, features(home)))
            prices.append(price)
    report = CleaningReport(len(rows), (*_rules(dropped), *touched(kept)), len(kept))
    _refuse_a_bad_file(path, report)
    frame = to_frame([home for _, home in kept]).assign(price=prices)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Dataset(frame, group_keys(frame), report, digest, generated, path.name)


def to_frame(listings: list[Features]) -> pd.DataFrame:
    """Return features as a model's inputs: text columns with "" and float32 columns with NaN where unknown."""
    columns: dict[str, NDArray[np.generic]] = {}
    for name in FIELDS:
        values = [getattr(each, name) for each in listings]
        if name in ("neighborhood", "street"):
            columns[name] = np.array([value or "" for value in values], dtype=object)
        else:
            columns[name] = np.array(values, dtype=np.float32)
    return pd.DataFrame(columns)


def _read(path: Path) -> pd.DataFrame:
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise Failure(f"{path}: no such file") from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError, OSError) as error:
        raise Failure(f"{path}: not a CSV file of listings: {error}") from None
    canonical = {SPELLINGS.get(name, name) for name in frame.columns}
    missing = [name for name in COLUMNS if SPELLINGS.get(name, name) not in canonical]
    if missing:
        raise Failure(f"{path}: no column {', '.join(missing)}; the header should be {','.join(COLUMNS)}")
    if frame.empty:
        raise Failure(f"{path}: a header, but no listings")
    return frame


def _judge(row: Mapping[str, object], number: int) -> tuple[str | None, Listing | None, float | None]:
    try:
        home = normalise(row, f"L-{number}")
    except InvalidRecord:
        return NO_LISTING, None, None
    try:
        price = number_or_range(str(row["price"]))
    except ValueError:
        price = None
    return next((name for name, _, fails in _DROPS if fails(home, price)), None), home, price


def _rules(dropped: Mapping[str, int]) -> tuple[Rule, ...]:
    reasons = {NO_LISTING: "no neighbourhood, or no area above zero"} | {name: why for name, why, _ in _DROPS}
    return tuple(Rule(name, count, dropped=True, why=reasons[name]) for name, count in dropped.items())


def _refuse_a_bad_file(path: Path, report: CleaningReport) -> None:
    if report.rows_out >= max(MIN_ROWS, MIN_SHARE * report.rows_in):
        return
    worst = max(report.rules, key=lambda rule: rule.rows if rule.dropped else 0)
    raise Failure(
        f"{path}: only {report.rows_out} of {report.rows_in} rows are sales of the population "
        f"({worst.rows} fail at: {worst.rule}); at least {MIN_ROWS} and half of the rows are needed"
    )
