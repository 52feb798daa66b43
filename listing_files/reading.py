"""Files of rows, read row by row in memory that does not grow: CSV, JSON, Parquet and Excel."""

import hashlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from listing_files.cells import UNDECIDED, DecimalStyle, TwoReadings, Unreadable, area
from listing_files.columns import Columns
from listing_files.formats.csv_rows import Header, Row, csv_rows, find_header
from listing_files.formats.json_rows import document_rows, is_document, json_lines
from listing_files.formats.lines import Lines
from listing_files.formats.opening import Text, open_text
from listing_files.formats.tables import excel_rows, parquet_file, parquet_rows
from pricing.normalise import is_unknown
from terminal.errors import Failure, UsageFailure

STANDARD_INPUT = "-"
PARQUET = (".parquet", ".pq")
JSON = (".jsonl", ".ndjson", ".json", ".geojson")
EXCEL = (".xlsx", ".xls", ".xlsb", ".ods")
_COMPRESSED = (".gz", ".gzip", ".zst", ".zstd")
_SAMPLED = 1_000  # rows that decimal marks are found from
_STRICT_AREA = ("area_m2", "sale_price")


class Options(Struct, frozen=True, kw_only=True):
    """How somebody says that a file is to be read; what is None or absent is found."""

    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    columns: dict[str, str] = {}  # by field
    strict: bool = False  # an optional value that cannot be read refuses its row

    def as_arguments(self) -> list[str]:
        """Return the options as somebody types them."""
        said = (("--delimiter", self.delimiter), ("--decimal", self.decimal), ("--encoding", self.encoding))
        found = [part for name, value in said if value is not None for part in (name, value)]
        found += [part for field, column in self.columns.items() for part in ("--map", f"{field}={column}")]
        return [*found, "--strict"] if self.strict else found


class Opened(Struct, frozen=True):
    """What a file is, in words, the names of its columns, and how many rows of it there are to look at at once."""

    told: str
    names: list[str]
    sample: int


class FileIdentity(Struct, frozen=True):
    """What a file holds: the SHA-256 of its bytes, and how many rows to expect (for a progress bar only)."""

    sha256: str
    rows: int | None


def read_rows(
    file: str | Path,
    columns: Columns,
    options: Options = Options(),  # noqa: B008 - it is frozen
    stdin: BinaryIO | None = None,
    opened: Callable[[Opened], object] = lambda _: None,
    *,
    only_read: bool = False,
) -> Iterator[Row]:
    """Yield the rows of a file; `columns` takes in its header, and `opened` is called before the first row.

    The format goes by the suffix, less that of a compression (gzip, zstd); of anything else, and of `-`, standard
    input, by its first character: JSON starts with a brace or bracket. CSV values are text as they stand; a row of JSON
    may also be a whole CloudEvents envelope. With `only_read`, columns of Parquet that nobody reads are not looked at.
    A row that cannot be read is an `InvalidRecord` naming the line, and reading goes on. Raises `UsageFailure` where
    there is no such file, `Failure` where nothing further can be read, or the header lacks columns.
    """
    if str(file) == STANDARD_INPUT:
        with open_text(None, stdin or sys.stdin.buffer, options.encoding) as text:
            yield from _text_rows(text, "standard input", "", columns, options, opened)
        return
    path = existing(file)
    suffix = format_suffix(path)
    if suffix in PARQUET:
        table = parquet_file(path)
        names = columns.distinct(table.schema_arrow.names)
        twice = [each.rpartition(" (")[0] for each in names if each not in table.schema_arrow.names]
        if twice and not only_read:
            raise Failure(f"{path}: the column {twice[0]} stands there more than once")
        _take_in(columns, names)
        opened(Opened("Parquet", names, _SAMPLED))
        yield from parquet_rows(path, table, columns.targets.keys() if only_read else None)
    elif suffix in EXCEL:
        told, head, rows = excel_rows(path, columns.recognised)
        if not head:
            raise Failure(f"{path}: empty, expected a header with {_required(columns)}")
        names = columns.distinct(head)
        _take_in(columns, names)
        opened(Opened(told, names, _SAMPLED))
        yield from rows(names)
    else:
        with open_text(path, sys.stdin.buffer, options.encoding) as text:
            yield from _text_rows(text, str(file), suffix, columns, options, opened)


def _take_in(columns: Columns, names: list[str]) -> None:
    columns.add(names)
    columns.check(names)


def _required(columns: Columns) -> str:
    return " and ".join(columns.called(field) for field in columns.required)


def format_suffix(path: Path) -> str:
    """Return the suffix that tells a file's format, in lower case."""
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() if suffix in _COMPRESSED else suffix


def identify(file: str | Path) -> FileIdentity:
    """Read a file once and return its identity; raises as `read_rows`, and for a pipe, which would be empty then."""
    if Path(file).exists() and not (Path(file).is_file() or Path(file).is_dir()):
        raise UsageFailure(f"{file}: not a file that can be read twice; `-` reads standard input")
    path = existing(file)
    digest, rows = hashlib.sha256(), 0
    with path.open("rb") as content:
        while block := content.read(1 << 20):
            digest.update(block)
            rows += block.count(b"\n")
    if path.suffix.lower() in PARQUET:
        return FileIdentity(digest.hexdigest(), parquet_file(path).metadata.num_rows)
    known = path.suffix.lower() not in (*_COMPRESSED, *EXCEL)
    return FileIdentity(digest.hexdigest(), rows if known else None)


def existing(file: str | Path) -> Path:
    """Return the path of a readable file; raises `UsageFailure` saying what is wrong with it."""
    path = Path(file)
    try:
        with path.open("rb"):
            return path
    except FileNotFoundError:
        raise UsageFailure(f"{file}: no such file") from None
    except IsADirectoryError:
        raise UsageFailure(f"{file}: a directory, not a file") from None
    except OSError as error:
        raise UsageFailure(f"{file}: {error.strerror}") from None


def _text_rows(
    text: Text, name: str, suffix: str, columns: Columns, options: Options, opened: Callable[[Opened], object]
) -> Iterator[Row]:
    about = ", ".join(filter(None, (text.compression, text.encoding)))
    sample = min(_SAMPLED, text.first.count("\n"))
    if suffix in JSON or (suffix != ".csv" and text.first.lstrip()[:1] in ("{", "[")):
        whole = is_document(text.first, suffix)
        opened(Opened(f"{'JSON document' if whole else 'JSON Lines'}, {about}", [], _SAMPLED if whole else sample))
        yield from document_rows(text.lines, text.first, name) if whole else json_lines(text.lines)
        return
    if not text.first.strip():
        raise Failure(f"{name}: empty, expected a header with {_required(columns)}")
    delimiter = "\t" if options.delimiter in ("tab", "\\t") else options.delimiter
    header = find_header(text.first, columns.recognised, delimiter)
    try:
        names = columns.distinct(header.names)
        _take_in(columns, names)
    except Failure:
        if "\0" in text.first:
            raise Failure(f"{name}: not a text file (there are NUL bytes in it)") from None
        raise
    shown = {"\t": "tab"}.get(header.delimiter, header.delimiter)
    above = f", {header.line} lines above the header" if header.line else ""
    opened(Opened(f"CSV, {about}, delimiter {shown}{above}", names, max(0, sample - header.line - 1)))
    named = Header(header.line, header.delimiter, names)
    yield from csv_rows(Lines(text.lines), name, named, _number_test(columns))


def _number_test(columns: Columns) -> Callable[[str, str], bool]:
    """Return which values may stand in which column, as far as one can say: those of areas and prices are numbers."""
    numbers = {column for column, target in columns.targets.items() if target.field in _STRICT_AREA}

    def is_number(column: str, value: str) -> bool:
        if column not in numbers or is_unknown(value):
            return True
        try:
            area(value.strip(), DecimalStyle(UNDECIDED), 1.0)
        except TwoReadings:
            return True
        except Unreadable:
            return False
        return True

    return is_number
