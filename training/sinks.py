"""Where priced rows go: CSV, JSON Lines or Parquet, chunk by chunk."""

import csv
import sys
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from belo.errors import Failure, UsageFailure

Row = dict[str, object]
Write = Callable[[list[Row]], None]
Begin = Callable[[Sequence[str]], Write]  # from the columns of the table

PARQUET = (".parquet", ".pq")
JSON_LINES = (".jsonl", ".ndjson", ".json")
USE_JSON_LINES = "write JSON Lines (-o FILE.jsonl)"
ADDED = ("predicted_price", "low", "high", "error")

_encode_json = msgspec.json.Encoder(enc_hook=str).encode  # NaN and Infinity are null, bytes are base64


@contextmanager
def open_sink(output: Path | None, source: Path) -> Iterator[Begin]:
    """Yield a function that begins a table of some columns, and returns the one that writes chunks of rows.

    Without `output` they go to standard output: JSON Lines as JSON Lines, all else as CSV. The file appears under
    its name when all is written, and not at all after an error. A row with a column that the table has not is a
    `Failure`, except in JSON Lines.
    """
    if output is None:
        yield json_lines_sink(sys.stdout) if source.suffix.lower() in JSON_LINES else csv_sink(sys.stdout)
        return
    if output.suffix.lower() not in (".csv", *JSON_LINES, *PARQUET):
        raise UsageFailure(f"{output}: which format? Use .csv, .jsonl or .parquet")
    unfinished = output.with_name(f".{output.name}.part")
    try:
        with _open(unfinished, output.suffix.lower(), source) as begin:
            yield begin
        unfinished.replace(output)
    except OSError as error:
        raise Failure(f"{output}: {error.strerror or error}") from None
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def _open(path: Path, suffix: str, source: Path) -> Iterator[Begin]:
    if suffix in PARQUET:
        from training.parquet_sink import parquet_sink  # pyarrow is heavy

        with parquet_sink(path, source if source.suffix.lower() in PARQUET else None) as begin:
            yield begin
        return
    with path.open("w", encoding="utf-8", newline="") as out:
        yield json_lines_sink(out) if suffix in JSON_LINES else csv_sink(out)


def refuse_others(rows: Iterable[Row], columns: AbstractSet[str]) -> None:
    """Raise `Failure` for a row with a column that the table has not."""
    for row in rows:
        if more := row.keys() - columns:
            raise Failure(f"not among the first rows' columns: {', '.join(sorted(more))}; {USE_JSON_LINES}")


def csv_sink(out: IO[str]) -> Begin:
    """Write CSV: None is an empty field, what is nested stands as JSON, bytes as base64."""

    def begin(columns: Sequence[str]) -> Write:
        writer = csv.DictWriter(out, columns, lineterminator="\n")
        writer.writeheader()
        known = set(columns)

        def write(rows: list[Row]) -> None:
            refuse_others(rows, known)  # JSON Lines may differ in their fields
            writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)

        return write

    return begin


def _cell(value: object) -> object:
    if isinstance(value, dict | list):
        return _encode_json(value).decode()
    return b64encode(value).decode() if isinstance(value, bytes) else value


def json_lines_sink(out: IO[str]) -> Begin:
    """Write JSON Lines; each row names its own fields."""

    def write(rows: list[Row]) -> None:
        out.writelines(f"{_encode_json(row).decode()}\n" for row in rows)

    return lambda _columns: write
