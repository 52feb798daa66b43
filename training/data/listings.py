"""Listings in a file, cleaned: which rows are the population, what was dropped and why.

Only rows are judged here. What a value may mean (a fee of 1, a place outside the city) is decided inside
the model, so that it holds in serving too; such rows are counted in the report and kept.
"""

import hashlib
import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from listing_files.listings import PRICED_LISTINGS, ListingReader, ReadRow, RowReader
from listing_files.market_file import find_market
from listing_files.reading import identify
from listing_files.rejects import Reading
from pricing.listing import Features, Listing, features
from pricing.market import Market
from pricing.places import neighborhood_key, place_key
from pricing.refusal import InvalidRecord
from terminal.errors import Failure
from training.data.cleaning import CleaningReport, Readings, Rule
from training.data.frames import to_frame
from training.data.groups import group_keys

BROKEN_ROW = "broken row"

MIN_ROWS = 100  # fewer make no model
MIN_SHARE = 0.5  # of the rows; a file that mostly fails is not a file of listings
MOST_ROWS = 200_000  # that a model learns from; 1 % more error costs less than what more of them would take
_LOOKED_AT = 10_000  # rows whose median price a sentence states
_CROWD = 0.995  # share of one neighbourhood from which on a file says nothing of others


def population_rule(market: Market) -> str:
    """Return in words which listings are trained and measured on."""
    (cheapest, dearest), (smallest, largest) = market.population.price, market.population.area_m2
    return (
        f"price {cheapest:,.0f} to {dearest:,.0f}; area {smallest:,.0f} to {largest:,.0f} m²; {market.city}; "
        "a neighbourhood named; unknown rooms, garage, fees and places stay in"
    )


@dataclass(frozen=True, slots=True)
class Dataset:
    """The population of a file.

    `frame` has the fields of `Features` as the model sees them (text, and float32 with NaN), and `price`
    (in the market's currency, float64); `groups` names each row's group of listings that may be the same home, shape
    (N,). `dear` are the listings that only their price keeps out of the population, with `dear_groups`: nobody knows a
    price when a home is priced, so an interval's promise is for them, too. `doubts` are sentences about the file as a
    whole that a person should read.
    """

    frame: pd.DataFrame
    groups: NDArray[np.str_]
    dear: pd.DataFrame
    dear_groups: NDArray[np.str_]
    report: CleaningReport
    sha256: str
    generated: bool
    name: str
    market: Market
    doubts: tuple[str, ...] = ()

    @property
    def population_sha256(self) -> str:
        """Return a hash of `frame`, which the rules of cleaning change where the file's own, `sha256`, stays."""
        return hashlib.sha256(self.frame.to_csv(index=False).encode()).hexdigest()


Fails = Callable[[Listing, float | None], bool]


def _drops(market: Market) -> tuple[tuple[str, str, Fails], ...]:
    (cheapest, dearest), (smallest, largest) = market.population.price, market.population.area_m2
    city, slips = place_key(market.city), frozenset(market.not_neighborhoods)
    key = neighborhood_key(market.place_names)

    def elsewhere(home: Listing, _: float | None) -> bool:
        return home.city is not None and place_key(home.city) != city

    return (
        ("price unknown", "nothing to learn from", lambda _, price: price is None),
        (
            f"price below {cheapest:,.0f}",
            "monthly rents among the asking prices",
            lambda _, price: price is not None and price < cheapest,
        ),
        (
            _dear(market),
            "outside the population; intervals hold for them, too",
            lambda _, price: price is not None and price > dearest,
        ),
        (f"area below {smallest:,.0f} m²", "typing errors, parking spaces", lambda home, _: home.area_m2 < smallest),
        (f"area above {largest:,.0f} m²", "land, buildings, typing errors", lambda home, _: home.area_m2 > largest),
        ("another city", "scraping slips and other towns", elsewhere),
        (
            "neighbourhood slip",
            "a piece of an address",
            lambda home, _: home.neighborhood in slips or not key(home.neighborhood),
        ),
    )


def _dear(market: Market) -> str:
    return f"price above {market.population.price[1]:,.0f}"


class _Judged(NamedTuple):
    """A row of the file: a home with its price, or why it is dropped."""

    read: ReadRow
    home: Features
    price: float
    dear: bool


class _Judging:
    """Rows judged one by one, in memory that does not grow: counts what was dropped."""

    def __init__(self, path: Path, reading: Reading) -> None:
        self.rows = RowReader(path, PRICED_LISTINGS, reading.market, reading.options, say=reading.say, only_read=True)
        self.refused: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self._prices: list[float] = []  # of the first rows
        self._listings = ListingReader(self.rows, reading.market, strict=reading.options.strict)
        self._rejects = reading.rejects
        self._market = reading.market

    def __iter__(self) -> Iterator[_Judged]:
        drops, dear = _drops(self._market), _dear(self._market)
        for read in self.rows:
            try:
                home, price = self._listing(read)
            except InvalidRecord as error:
                self.refused[_what(error)] += 1
                if self._rejects:
                    self._rejects.refuse(read, error, self.rows.columns)
                continue
            if price is not None and len(self._prices) < _LOOKED_AT:
                self._prices.append(price)
            reasons = [name for name, _, fails in drops if fails(home, price)]
            if reasons:
                self.dropped[reasons[0]] += 1
            if price is not None and reasons in ([], [dear]):
                yield _Judged(read, features(home, self._market), price, bool(reasons))

    def _listing(self, read: ReadRow) -> tuple[Listing, float | None]:
        """Return listing and price of a row; a price that cannot be read is unknown."""
        if isinstance(read.found, InvalidRecord):
            raise read.found
        price = read.found.get("price")
        usable = float(price) if isinstance(price, int | float) and not isinstance(price, bool) else None
        return self._listings.listing(read, f"L-{read.number}"), usable

    def rules(self) -> tuple[Rule, ...]:
        reasons = {BROKEN_ROW: "quotes or commas astray"}
        refusals = [
            Rule(
                f"no listing: {what}",
                count,
                dropped=True,
                why=reasons.get(what, "missing, or refused on the stream too"),
            )
            for what, count in sorted(self.refused.items())
        ]
        return (
            *refusals,
            *(Rule(name, self.dropped[name], dropped=True, why=why) for name, why, _ in _drops(self._market)),
        )

    @property
    def median_price(self) -> float | None:
        return float(np.median(self._prices)) if self._prices else None

    @property
    def lost(self) -> int:
        return self.refused.total() + self.dropped.total()


class _Sample:
    """At most `MOST_ROWS` homes of a file: those whose draw is least, so that the file's order does not matter."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: list[tuple[float, int, Features, float]] = []
        self.seen = 0

    def add(self, number: int, home: Features, price: float) -> None:
        self.seen += 1
        digest = hashlib.blake2b(f"{number}".encode(), digest_size=7).digest()
        item = (-int.from_bytes(digest, "big") / 2**56, -number, home, price)
        if len(self._kept) < self._most:
            heapq.heappush(self._kept, item)
        elif item[:2] > self._kept[0][:2]:
            heapq.heapreplace(self._kept, item)

    def frame(self, market: Market) -> pd.DataFrame:
        kept = sorted(self._kept, key=lambda each: -each[1])
        prices = np.array([price for *_, price in kept], dtype=np.float64)
        return to_frame([home for _, _, home, _ in kept], market).assign(price=prices)


def read_listings(
    path: Path, reading: Reading | None = None, *, generated: bool = False, most: int = MOST_ROWS
) -> Dataset:
    """Return the population of a listings file, read as `belo publish` and `belo score` read it, but with its prices.

    A row that is no listing is dropped, and counted by the field that is refused. Beyond `most` homes a sample of so
    many is taken. Raises `Failure` naming file and column where the file cannot be read, lacks a column, is empty, or
    holds mostly rows that fail the rules.
    """
    reading = reading or Reading(find_market({}))
    market = reading.market
    judging, readings = _Judging(path, reading), Readings(market)
    homes, dear = _Sample(most), _Sample(most)
    for read, home, price, is_dear in judging:
        (dear if is_dear else homes).add(read.number, home, price)
        if not is_dear:
            readings.see(_written(judging.rows, read), home)
    judging.rows.sum_up(reading.warn)
    frame, beyond = homes.frame(market), dear.frame(market)
    rules = (*judging.rules(), *readings.rules(frame))
    report = CleaningReport(homes.seen + judging.lost, rules, homes.seen)
    _refuse_a_bad_file(path, report, judging.median_price, market)
    doubts = _doubts(judging.rows, frame, homes, market)
    groups = group_keys(frame)
    return Dataset(
        frame,
        groups,
        beyond,
        _beside(frame, groups, beyond),
        report,
        identify(path).sha256,
        generated,
        path.name,
        market,
        doubts,
    )


def _written(rows: RowReader, read: ReadRow) -> Mapping[str, object]:
    return {target.field: read.row.get(column) for column, target in rows.columns.targets.items()}


def _doubts(rows: RowReader, frame: pd.DataFrame, homes: _Sample, market: Market) -> tuple[str, ...]:
    """Return what a person should know of a file before a model of it serves."""
    found = []
    if homes.seen > len(frame):
        found.append(f"{homes.seen:,} homes are more than are learnt from: a sample of {len(frame):,} is taken")
    share = frame["neighborhood"].value_counts(normalize=True)
    if share.iloc[0] > _CROWD:
        where = f"in one neighbourhood, {share.index[0]}"
        found.append(f"{share.iloc[0]:.1%} of the homes are {where}: of others a model learns nothing")
    unknown = [name for name in ("rooms", "garage_places", "adm_fees", "latitude") if frame[name].isna().all()]
    unknown += [name for name in market.numbers if frame[name].isna().all()]
    unknown += [name for name in ("street", *market.texts) if (frame[name] == "").all()]
    if unknown:
        found.append(f"unknown for every home, and nothing is learnt from it: {', '.join(unknown)}")
    if not any(target.field == "city" for target in rows.columns.targets.values()):
        found.append(f"no column for the city: every row counts as {market.city}")
    return tuple(found)


def _beside(frame: pd.DataFrame, groups: NDArray[np.str_], others: pd.DataFrame) -> NDArray[np.str_]:
    """Return the groups of other listings: where they belong to homes of the frame, under the name of its group."""
    ours, theirs = np.split(group_keys(pd.concat([frame, others], ignore_index=True)), [len(frame)])
    names = dict(zip(ours.tolist(), groups.tolist(), strict=True))
    return np.array([names.get(each, each) for each in theirs.tolist()], dtype=groups.dtype)


def _what(error: InvalidRecord) -> str:
    """Return what was refused: a field's name, or the row as a whole."""
    return BROKEN_ROW if error.reason == "invalid_json" else str(error).partition(":")[0]


def _refuse_a_bad_file(path: Path, report: CleaningReport, price: float | None, market: Market) -> None:
    if not report.rows_in:
        raise Failure(f"{path}: no listings in it")
    if report.rows_out >= max(MIN_ROWS, MIN_SHARE * report.rows_in):
        return
    worst = max(report.rules, key=lambda rule: rule.rows if rule.dropped else 0)
    told = f"; the median price is {price:,.0f} {market.currency}" if price and worst.rule.startswith("price") else ""
    raise Failure(
        f"{path}: only {report.rows_out} of {report.rows_in} rows are listings of the population "
        f"({worst.rows} fail at: {worst.rule}{told}); at least {MIN_ROWS} and half of the rows are needed"
    )
