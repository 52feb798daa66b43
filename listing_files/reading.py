"""Files of listings, read row by row in memory that does not grow: CSV, JSON Lines and Parquet."""

import hashlib
import sys
from collections.abc import Container, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from listing_files.csv_rows import OnColumns, Row, csv_rows, require_columns, unreadable_row
from listing_files.lines import Lines
from terminal.errors import Failure, UsageFailure

STANDARD_INPUT = "-"
_PARQUET = (".parquet", ".pq")
_JSON_LINES = (".jsonl", ".ndjson", ".json")
_ROWS_A_READ = 1_000  # of Parquet
_BYTES_A_READ = 1 << 20


class FileIdentity(Struct, frozen=True):
    """What a file holds: the SHA-256 of its bytes, and how many rows to expect (for a progress bar only)."""

    sha256: str
    rows: int


def read_rows(
    file: str | Path,
    stdin: BinaryIO | None = None,
    on_columns: OnColumns = lambda _: None,
    only: Container[str] | None = None,
) -> Iterator[Row]:
    """Yield the rows of a file with their numbers, 1-based over the data rows.

    Parquet goes by its suffix, as do CSV (`.csv`) and JSON Lines (`.jsonl`, `.ndjson`, `.json`); anything
    else, and `-` for standard input, is JSON Lines if it starts with a brace and CSV if not. CSV values are
    text as they stand; a JSON Lines row may also be a whole CloudEvents envelope. `on_columns` is called with
    the names of the columns, as they stand, before the first row, where the format names them. With `only`,
    Parquet's other columns are not looked at, whatever they hold. A row that is not JSON, not UTF-8, or has not
    the columns' number of values, is an `InvalidRecord` naming the line, and reading goes on. Raises
    `UsageFailure` where there is no such file, `Failure` where nothing further can be read, or for columns that
    are missing or stand twice.
    """
    if str(file) == STANDARD_INPUT:
        yield from _text_rows(stdin or sys.stdin.buffer, "standard input", "", on_columns)
        return
    path = existing(file)
    if path.suffix.lower() in _PARQUET:
        yield from _parquet_rows(path, on_columns, only)
        return
    with path.open("rb") as lines:
        yield from _text_rows(lines, str(file), path.suffix.lower(), on_columns)


def identify(file: str | Path) -> FileIdentity:
    """Read a file once and return its identity; raises as `read_rows`, and for a pipe, which would be empty then."""
    if Path(file).exists() and not (Path(file).is_file() or Path(file).is_dir()):
        raise UsageFailure(f"{file}: not a file that can be read twice; `-` reads standard input")
    path = existing(file)
    digest, rows = hashlib.sha256(), 0
    with path.open("rb") as content:
        while block := content.read(_BYTES_A_READ):
            digest.update(block)
            rows += block.count(b"\n")
    if path.suffix.lower() in _PARQUET:
        rows = _parquet(path).metadata.num_rows
    return FileIdentity(digest.hexdigest(), rows)


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


def _text_rows(lines: Iterable[bytes], name: str, suffix: str, on_columns: OnColumns) -> Iterator[Row]:
    lines = iter(lines)
    try:
        first = next(lines, b"").removeprefix(b"\xef\xbb\xbf")
        lines = chain((first,), lines)
        if suffix in _JSON_LINES or (suffix != ".csv" and first.lstrip()[:1] in (b"{", b"[")):
            yield from _json_rows(lines)
        else:
            yield from csv_rows(Lines(lines), name, on_columns)
    except OSError as error:
        raise Failure(f"{name}: {error.strerror or error}") from None


def _json_rows(lines: Iterable[bytes]) -> Iterator[Row]:
    decode = msgspec.json.Decoder().decode
    number = 0
    for line_number, line in enumerate(lines, start=1):
        if line.isspace() or not line:
            continue
        number += 1
        try:
            row = decode(line)
        except (ValueError, RecursionError) as error:
            yield number, unreadable_row(f"line {line_number}: not one JSON object a line ({error})")
            continue
        is_object = isinstance(row, dict)
        yield (
            number,
            row if is_object else unreadable_row(f"line {line_number}: expected a JSON object, got {line[:40]!r}"),
        )


def _parquet_rows(path: Path, on_columns: OnColumns, only: Container[str] | None) -> Iterator[Row]:
    import pyarrow as pa  # heavy, and needed for this format only

    file = _parquet(path)
    names = list(file.schema_arrow.names)
    require_columns(names, str(path))
    on_columns(names)
    number = 0
    read = None if only is None else [name for name in names if name.strip() in only]
    try:
        for batch in file.iter_batches(batch_size=_ROWS_A_READ, columns=read):
            for row in batch.to_pylist():
                number += 1
                yield number, row
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise Failure(f"{path}: damaged after row {number} ({error})") from None


def _parquet(path: Path):  # type: ignore[no-untyped-def] # noqa: ANN202 - pyarrow has no types
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise Failure(f"{path}: not a Parquet file ({error})") from None
