"""Files of listings, read row by row in memory that does not grow: CSV, JSON Lines and Parquet."""

import csv
import hashlib
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from belo.errors import Failure, UsageFailure

Row = tuple[int, dict[str, object]]

STANDARD_INPUT = "-"
REQUIRED_COLUMNS = (("neighborhood",), ("area_m2", "square-foot"))  # each in one of its spellings
_PARQUET = (".parquet", ".pq")
_JSON_LINES = (".jsonl", ".ndjson", ".json")
_ROWS_A_READ = 1_000  # of Parquet
_BYTES_A_READ = 1 << 20


class FileIdentity(Struct, frozen=True):
    """What a file holds: the SHA-256 of its bytes, and how many rows to expect (for a progress bar only)."""

    sha256: str
    rows: int


def read_rows(file: str | Path, stdin: BinaryIO | None = None) -> Iterator[Row]:
    """Yield the rows of a file with their numbers, 1-based over the data rows.

    Parquet goes by its suffix, as do CSV (`.csv`) and JSON Lines (`.jsonl`, `.ndjson`, `.json`); anything
    else, and `-` for standard input, is JSON Lines if it starts with a brace and CSV if not. CSV values are
    text as they stand; a JSON Lines row may also be a whole CloudEvents envelope. Raises `UsageFailure`
    where there is no such file, `Failure` naming the line where it cannot be read, or the columns that are
    missing.
    """
    if str(file) == STANDARD_INPUT:
        yield from _text_rows(stdin or sys.stdin.buffer, "standard input", suffix="")
        return
    path = existing(file)
    if path.suffix.lower() in _PARQUET:
        yield from _parquet_rows(path)
        return
    with path.open("rb") as lines:
        yield from _text_rows(lines, str(file), path.suffix.lower())


def identify(file: str | Path) -> FileIdentity:
    """Read a file once and return its identity; raises as `read_rows`."""
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


def _text_rows(lines: Iterable[bytes], name: str, suffix: str) -> Iterator[Row]:
    lines = iter(lines)
    first = next(lines, b"").removeprefix(b"\xef\xbb\xbf")
    lines = chain((first,), lines)
    if suffix in _JSON_LINES or (suffix != ".csv" and first.lstrip()[:1] in (b"{", b"[")):
        return _json_rows(lines, name)
    return _csv_rows(lines, name)


def _json_rows(lines: Iterable[bytes], name: str) -> Iterator[Row]:
    decode = msgspec.json.Decoder().decode
    number = 0
    for line_number, line in enumerate(lines, start=1):
        if line.isspace() or not line:
            continue
        try:
            row = decode(line)
        except (ValueError, RecursionError) as error:
            raise Failure(f"{name}, line {line_number}: not one JSON object a line ({error})") from None
        if not isinstance(row, dict):
            raise Failure(f"{name}, line {line_number}: expected a JSON object, got {line[:40]!r}")
        number += 1
        yield number, row


def _csv_rows(lines: Iterable[bytes], name: str) -> Iterator[Row]:
    reader = csv.reader(_decoded(lines, name), strict=True)  # else a stray quote swallows the rows behind it
    try:
        header = [column.strip() for column in next(reader, [])]
        _require_columns(header, name)
        for number, values in enumerate(filter(None, reader), start=1):
            if len(values) != len(header):
                raise Failure(f"{name}, line {reader.line_num}: {len(values)} values for {len(header)} columns")
            yield number, dict(zip(header, values, strict=True))
    except csv.Error as error:
        raise Failure(f"{name}, line {reader.line_num}: not CSV ({error})") from None


def _decoded(lines: Iterable[bytes], name: str) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        try:
            yield line.decode()
        except UnicodeDecodeError as error:
            byte = f"byte 0x{line[error.start]:02x}"
            raise Failure(f"{name}, line {number}: not UTF-8 ({byte} at {error.start})") from None


def _parquet_rows(path: Path) -> Iterator[Row]:
    import pyarrow as pa  # heavy, and needed for this format only

    file = _parquet(path)
    _require_columns(list(file.schema_arrow.names), str(path))
    number = 0
    try:
        for batch in file.iter_batches(batch_size=_ROWS_A_READ):
            for row in batch.to_pylist():
                number += 1
                yield number, row
    except (pa.ArrowException, OSError) as error:
        raise Failure(f"{path}: damaged after row {number} ({error})") from None


def _parquet(path: Path):  # type: ignore[no-untyped-def] # noqa: ANN202 - pyarrow has no types
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise Failure(f"{path}: not a Parquet file ({error})") from None


def _require_columns(columns: list[str], name: str) -> None:
    missing = [" or ".join(names) for names in REQUIRED_COLUMNS if not set(names) & set(columns)]
    if not columns:
        raise Failure(f"{name}: empty, expected a header with {' and '.join(missing)}")
    if missing:
        found = ", ".join(columns)
        found = found if len(found) <= 200 else f"{found[:200]}…"
        raise Failure(f"{name}: no column {', no column '.join(missing)}; found: {found}")
