"""Rows of a file as listings, or sales: each field read, or unknown, or the reason why its row is refused."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec
from msgspec import Struct

from listing_files import cells
from listing_files.cells import DecimalEvidence, DecimalStyle, Money, TwoReadings, Unreadable, common_mark
from listing_files.columns import Columns, Target
from listing_files.formats.csv_rows import Row
from listing_files.formats.json_rows import plain
from listing_files.reading import Opened, Options, read_rows
from pricing.listing import FIELDS, Listing, listing_type
from pricing.market import Market
from pricing.normalise import identifier, is_missing, is_unknown
from pricing.refusal import InvalidRecord, listing_refusal, shown
from terminal.errors import Failure

LISTING = tuple(name for name in FIELDS)
REQUIRED = ("neighborhood", "area_m2")
SALE = ("listing_id", "sale_price", "sold_at")
_MONEY = ("adm_fees", "price", "sale_price")
_COUNTS = ("rooms", "garage_places")
_COORDINATES = ("latitude", "longitude")
_BOUNDED = (*_COUNTS, *_COORDINATES)  # of two readings only one is possible: the other is beyond all limits
_PLAIN_POINT = DecimalStyle(".")
# A number that is the same whatever the decimal mark, unless that is a comma.
_PLAIN_NUMBER = re.compile(r"-?\d+(?:\.(?:\d{4,}|\d\d?))?", re.ASCII).fullmatch
_OWN = ("listing_id", "address", *_COORDINATES)  # hardly two homes share them; any other column repeats itself
_REMEMBERED = 8_192  # texts of a column

# What stands in a file, as the value that it means; None is unknown.
ReadText = Callable[[str], object]
Read = Callable[[object], object]  # anything but a text


def _only(value: object) -> object:
    """Return the one number of a list (`"usableAreas": [80]`), and anything else as it is."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _read_text(text: str) -> object:
    """Return a text without blanks around it, None where it says unknown."""
    if is_unknown(text):
        return None
    return (text if text.isascii() else unicodedata.normalize("NFC", text)).strip()


def _read_as_text(value: object) -> object:
    """Return a whole number as text, such as a code; None where a value says unknown, and anything else as it is."""
    return None if is_missing(value) else identifier(value)


class _Remembering(dict[str, object]):
    """What the texts of a column mean, each of them read once."""

    def __init__(self, read: ReadText) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, text: str) -> object:
        found = self._read(text)
        if len(self) == _REMEMBERED:
            self.clear()
        self[text] = found
        return found


def _silent(_: str) -> None:
    """Say nothing."""


class Wanted(NamedTuple):
    """Which fields a command reads of a file, and which of them a header must have."""

    fields: tuple[str, ...]
    required: tuple[str, ...]


LISTINGS = Wanted(LISTING, REQUIRED)
PRICED_LISTINGS = Wanted((*LISTING, "price"), (*REQUIRED, "price"))
SALES = Wanted(SALE, SALE)


class Unread(NamedTuple):
    """A value that could not be read: its line, the field, the value, and what was expected."""

    line: int
    field: str
    column: str
    value: object
    expected: str

    @property
    def sentence(self) -> str:
        """Return what is wrong, the field first."""
        return f"{self.field}: expected {self.expected}, got {shown(self.value)}"


class ReadRow(Struct, frozen=True):
    """A row with its fields, where known, or why it is refused; `row` is what stood in the file.

    The collector has to see it: an error that was raised holds the frames that hold its row.
    """

    number: int
    line: int
    row: dict[str, object]
    found: dict[str, Any] | InvalidRecord


@dataclass(slots=True)
class Account:
    """What became of a file's rows and values, for people: counted by kind, with the first of each kind."""

    rows: int = 0
    known: set[str] = field(default_factory=set)
    unread: Counter[str] = field(default_factory=Counter)
    first: dict[str, Unread] = field(default_factory=dict)

    def left_out(self, unread: Unread) -> None:
        """Count a value that is unknown because it could not be read."""
        self.unread[unread.field] += 1
        self.first.setdefault(unread.field, unread)


class RowReader:
    """A file of listings or sales, read with a market's names, units and money; says what it reads, and what not."""

    def __init__(
        self,
        file: str | Path,
        wanted: Wanted,
        market: Market,
        options: Options = Options(),  # noqa: B008 - it is frozen
        *,
        stdin: BinaryIO | None = None,
        say: Callable[[str], object] = _silent,
        only_read: bool = False,
    ) -> None:
        self.columns = Columns(*wanted, market, options.columns, str(file))
        self.account = Account()
        self.names: list[str] = []
        self._file, self._options, self._stdin, self._only_read = file, options, stdin, only_read
        self._wanted = wanted
        self._say = say
        self._market = market
        self._money = Money.of(market)
        self._numbers = frozenset({"area_m2", *_MONEY, *_BOUNDED, *market.numbers})
        self._required = frozenset(wanted.required)
        self._decimals: dict[str, DecimalStyle] = {}
        self._columns_seen: frozenset[str] = frozenset()
        self._plan: list[tuple[str, str, ReadText, Read]] = []

    def __iter__(self) -> Iterator[ReadRow]:
        """Yield the rows; raises as `read_rows`, and `Failure` where the numbers of a column have two readings.

        May be read again, if it is no pipe; what is read is said the first time.
        """
        self.columns = Columns(*self._wanted, self._market, self._options.columns, str(self._file))
        self.account = Account()
        self._columns_seen, self._decimals = frozenset(), {}
        opened: list[Opened] = []
        rows = read_rows(self._file, self.columns, self._options, self._stdin, opened.append, only_read=self._only_read)
        first = next(rows, None)
        sample = [] if first is None else [first]
        sample += islice(rows, max(0, opened[0].sample - 1))
        self.names = opened[0].names
        for each in sample:
            if not isinstance(each.values, InvalidRecord) and not opened[0].names:
                self._take_in(each.values)
        self._decide(sample)
        self._plan = self._planned()
        self._tell(opened[0])
        self._say = _silent
        for row in chain(sample, rows):
            self.account.rows += 1
            yield self._read(row)

    def _take_in(self, row: Mapping[str, object]) -> None:
        """Take in the columns that a row of JSON has beyond those before it."""
        new = [name for name in row if name not in self._columns_seen]
        if new and "specversion" not in row:
            self._columns_seen |= {*new}
            self.columns.add([name for name in plain(row) if name in new or "." in name])

    def _decide(self, sample: list[Row]) -> None:
        """Find how each column writes decimals; raises `Failure` where a column may be read in two ways."""
        said = self._options.decimal
        targets = [(name, target) for name, target in self.columns.targets.items() if target.field in self._numbers]
        if said is not None:
            self._decimals = {name: DecimalStyle(said) for name, _ in targets}  # type: ignore[arg-type] # checked there
            return
        seen = {name: DecimalEvidence() for name, _ in targets}
        for values in (plain(each.values) for each in sample if not isinstance(each.values, InvalidRecord)):
            for name, evidence in seen.items():
                if isinstance(value := values.get(name), str):
                    evidence.see(value)
        by_column = {name: target.field for name, target in targets}
        others = common_mark(seen[name] for name in seen if by_column[name] not in _COORDINATES)
        for name, evidence in seen.items():
            decided = evidence.decimal(others)
            if decided is None and by_column[name] in _BOUNDED:
                decided = DecimalStyle()
            if decided is None:
                raise Failure(self._two_readings(name, evidence))
            self._decimals[name] = decided

    def _two_readings(self, column: str, evidence: DecimalEvidence) -> str:
        example = evidence.example
        if not example or evidence.sure:
            return (
                f"{self._file}: column {column.strip()}: {evidence.sure['.']} values with a decimal point, "
                f"{evidence.sure[',']} with a decimal comma; say which with --decimal"
            )
        whole, _, rest = example.rpartition(next(each for each in example if each in ".,"))
        return (
            f"{self._file}: column {column.strip()}: {example} may be {float(whole + rest):g} or "
            f"{float(f'{whole}.{rest}'):g}; say which is the decimal mark: --decimal . or --decimal ,"
        )

    def _tell(self, opened: Opened) -> None:
        marks = {each.mark for name, each in self._decimals.items() if each.mark}
        mark = f", decimal mark {' and '.join(sorted(marks))}" if marks else ""
        self._say(f"{self._file}: {opened.told}{mark}")
        if opened.names or self.columns.targets:
            self._say(self.columns.told())

    def _read(self, row: Row) -> ReadRow:
        number, line, values = row.number, row.line, row.values
        if isinstance(values, InvalidRecord):
            return ReadRow(number, line, {}, values)
        if "specversion" in values:
            return ReadRow(number, line, values, {})
        original = values
        if not self.names:
            if not values.keys() <= self._columns_seen:
                self._take_in(values)
                self._plan = self._planned()
            values = plain(values)
        found: dict[str, Any] = {}
        for column, name, read_text, read in self._plan:
            value = values.get(column)
            if value is None:
                continue
            try:
                known = read_text(value) if isinstance(value, str) else read(value)
                if known is not None and name not in found:
                    found[name] = known
            except Unreadable as error:
                unread = Unread(line, name, column, value, str(error))
                if self._options.strict or name in self._required:
                    return ReadRow(number, line, original, InvalidRecord("invalid_listing", unread.sentence))
                self.account.left_out(unread)
        if len(self.account.known) < len(self._plan):
            self.account.known.update(found)
        return ReadRow(number, line, original, found)

    def _planned(self) -> list[tuple[str, str, ReadText, Read]]:
        """Return the columns that are read, the best names first, their fields, and what reads texts and all else."""
        plan = []
        targets = sorted(self.columns.targets.items(), key=lambda each: self.columns.rank(each[0], each[1].field))
        for column, target in targets:
            read_text, read = self._readers(column, target)
            if target.field not in _OWN:
                read_text = _Remembering(read_text).__getitem__
            plan.append((column, target.field, read_text, read))
        return plan

    def _readers(self, column: str, target: Target) -> tuple[ReadText, Read]:
        name = target.field
        if name not in self._numbers:
            return _read_text, _read_as_text
        decimal, factor = self._decimals.get(column) or DecimalStyle(), target.factor
        parse = self._parser(name, decimal, factor)
        scaled = factor != 1.0
        plain = decimal.mark != "," and not scaled

        def read_text(text: str) -> object:
            if plain and _PLAIN_NUMBER(text):
                return float(text)
            return None if is_unknown(text) else parse(text.strip())

        def read(value: object) -> object:
            if isinstance(value := _only(value), str):
                return read_text(value)
            if is_missing(value):
                return None
            if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
                return value  # which is none, and refused as what it is
            return round(float(value) * factor, 6) if scaled else float(value)

        return read_text, read

    def _parser(self, name: str, decimal: DecimalStyle, factor: float) -> Callable[[str], float]:
        if name == "area_m2":
            return lambda text: cells.area(text, decimal, factor)
        if name in _MONEY:
            return lambda text: self._money.amount(text, decimal)
        up, bounded = name in _COUNTS, name in _BOUNDED

        def parse(text: str) -> float:
            try:
                return cells.number_or_range(text, decimal, up=up)
            except TwoReadings:
                if not bounded:
                    raise
                return cells.number_or_range(text.replace(",", "."), _PLAIN_POINT, up=up)

        return parse

    def unknown_everywhere(self) -> list[str]:
        """Return the fields that have a column, and no known value in any row."""
        have = dict.fromkeys(target.field for target in self.columns.targets.values())
        return [name for name in have if self.account.rows and name not in self.account.known]

    def sum_up(self, warn: Callable[[str], object]) -> None:
        """Say what was unknown in every row, and which values were left out because they could not be read."""
        if unknown := self.unknown_everywhere():
            warn(f"unknown in every row: {', '.join(unknown)}")
        for name, count in self.account.unread.items():
            first = self.account.first[name]
            values = "value could not be read and counts" if count == 1 else "values could not be read and count"
            warn(
                f"{name}: {count:,} {values} as unknown; the first on line {first.line}: "
                f"{first.sentence.partition(': ')[2]}"
            )


class ListingReader:
    """Turns the fields of rows into listings of a market."""

    def __init__(self, rows: RowReader, market: Market, *, strict: bool) -> None:
        self._rows = rows
        self._type = listing_type(market.columns)
        self._strict = strict

    def listing(self, read: ReadRow, listing_id: str) -> Listing:
        """Return the listing of a row; `listing_id` serves where it names none. Raises `InvalidRecord`.

        An optional field that is out of its limits is unknown, and counted, unless the reading is strict.
        """
        if isinstance(read.found, InvalidRecord):
            raise read.found
        values = read.found if "listing_id" in read.found else {**read.found, "listing_id": listing_id}
        while True:
            try:
                return msgspec.convert(values, self._type)
            except msgspec.ValidationError as error:
                refused = listing_refusal(error, values)
                name = str(refused).partition(":")[0]
                if self._strict or name not in values or name in (*REQUIRED, "listing_id"):
                    raise refused from None
                value = values.pop(name)
                expected = str(refused).partition("expected ")[2].rpartition(", got ")[0]
                column = next((each for each, to in self._rows.columns.targets.items() if to.field == name), name)
                self._rows.account.left_out(Unread(read.line, name, column, read.row.get(column, value), expected))
