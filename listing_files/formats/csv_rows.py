"""Rows of a CSV file, a broken one named and passed over."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from msgspec import Struct

from listing_files.formats.lines import Lines
from listing_files.formats.stray_quotes import are_rows
from pricing.refusal import InvalidRecord
from terminal.errors import Failure

DELIMITERS = (",", ";", "\t", "|")
TITLE_LINES = 10  # above a header, at most

Recognised = Callable[[Iterable[str]], int]


class Row(Struct, frozen=True):
    """A row of a file: its number among the data rows and its line (both from 1), and what stands in it.

    A row that cannot be read is the reason why.
    """

    number: int
    line: int
    values: dict[str, object] | InvalidRecord


@dataclass(frozen=True, slots=True)
class Header:
    """Where a CSV file's header stands, from 0, how it is delimited, and its names."""

    line: int
    delimiter: str
    names: list[str]


def find_header(first: str, recognised: Recognised, delimiter: str | None) -> Header:
    """Return the header among the first lines of a text: the one with the most fields that are known by their names."""
    best, most = Header(0, delimiter or ",", []), -1
    for each in (delimiter,) if delimiter else DELIMITERS:
        for line, names in enumerate(_first_rows(first, each)):
            count = recognised(names)
            if count > most or (count == most == 0 and len(names) > len(best.names) and line == best.line):
                best, most = Header(line, each, names), count
    return best


def _first_rows(first: str, delimiter: str) -> Iterator[list[str]]:
    lines = first.splitlines(keepends=True)[: TITLE_LINES + 1]
    for line in lines:
        try:
            yield next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            yield []


def csv_rows(lines: Lines, name: str, header: Header, is_number: Callable[[str, str], bool]) -> Iterator[Row]:
    """Yield a CSV file's rows after its header; a row that cannot be read is its error.

    `is_number(column, value)`: whether a value may stand in a column of numbers; True for any other column.
    """
    for _ in islice(lines, header.line):
        lines.begin_row()
    try:
        next(csv.reader(lines, strict=True, delimiter=header.delimiter), [])
    except (csv.Error, UnicodeDecodeError) as error:
        raise Failure(f"{name}, line {lines.number}: {_fault(error)}") from None
    names = header.names
    for number, (line, values) in enumerate(_csv_values(lines, header, is_number), start=1):
        yield Row(number, line, dict(zip(names, values, strict=True)) if isinstance(values, list) else values)


def _csv_values(
    lines: Lines, header: Header, is_number: Callable[[str, str], bool]
) -> Iterator[tuple[int, list[str] | InvalidRecord]]:
    width = len(header.names)
    reader = csv.reader(
        lines, strict=True, delimiter=header.delimiter
    )  # else a stray quote swallows the rows behind it
    while True:
        lines.begin_row()
        line = lines.number + 1
        try:
            values = next(reader, None)
        except csv.Error as error:
            line = lines.keep_one()
            yield line, unreadable_row(f"line {line}: {_fault(error)}")
            continue
        except UnicodeDecodeError as error:
            yield lines.number, unreadable_row(f"line {lines.number}: {_fault(error)}")
            lines.keep_one()
            continue
        if values is None:
            return
        if lines.height > 1 and are_rows(lines.row(), header.names, header.delimiter, is_number):
            line = lines.keep_one()
            yield line, unreadable_row(f"line {line}: not CSV (a stray quote joins it with the lines behind it)")
        elif len(values) == width:
            if "\0" in "".join(values):
                yield lines.number, unreadable_row(f"line {lines.number}: a NUL byte")
            else:
                yield line, values
        elif values and not _blank(values):
            line = lines.keep_one()
            yield line, unreadable_row(f"line {line}: {len(values)} values for {width} columns")


def _blank(values: Sequence[str]) -> bool:
    return len(values) == 1 and not values[0].strip()


def _fault(error: csv.Error | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 (byte 0x{error.object[error.start]:02x} at {error.start})"
    return f"not CSV ({error})"


def unreadable_row(what: str) -> InvalidRecord:
    """Return the error for a row that cannot be read as such."""
    return InvalidRecord("invalid_json", what)
