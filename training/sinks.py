"""Where priced rows go: CSV, JSON Lines or Parquet, chunk by chunk."""

import csv
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from belo.errors import Failure, UsageFailure

Row = dict[str, object]
Write = Callable[[list[Row]], None]

PARQUET = (".parquet", ".pq")
JSON_LINES = (".jsonl", ".ndjson", ".json")


@contextmanager
def open_sink(output: Path | None, source: Path) -> Iterator[Write]:
    """Yield a function that writes chunks of rows; the columns are those of the first row.

    Without `output` they go to standard output: JSON Lines as JSON Lines, all else as CSV. The file appears under
    its name when all is written, and not at all after an error.
    """
    if output is None:
        yield json_lines_sink(sys.stdout) if source.suffix.lower() in JSON_LINES else csv_sink(sys.stdout)
        return
    if output.suffix.lower() not in (".csv", *JSON_LINES, *PARQUET):
        raise UsageFailure(f"{output}: which format? Use .csv, .jsonl or .parquet")
    unfinished = output.with_name(f".{output.name}.part")
    try:
        with _open(unfinished, output.suffix.lower(), source) as write:
            yield write
        unfinished.replace(output)
    except OSError as error:
        raise Failure(f"{output}: {error.strerror or error}") from None
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def _open(path: Path, suffix: str, source: Path) -> Iterator[Write]:
    if suffix in PARQUET:
        with _parquet_sink(path, source) as write:
            yield write
        return
    with path.open("w", encoding="utf-8", newline="") as out:
        yield json_lines_sink(out) if suffix in JSON_LINES else csv_sink(out)


def csv_sink(out: IO[str]) -> Write:
    """Write CSV; None is an empty field."""
    writers: list[csv.DictWriter[str]] = []

    def write(rows: list[Row]) -> None:
        if not writers:
            writers.append(csv.DictWriter(out, list(rows[0]), lineterminator="\n"))
            writers[0].writeheader()
        try:
            writers[0].writerows(rows)
        except ValueError as error:  # JSON Lines whose rows differ in their fields
            raise Failure(f"not the first row's columns: {error}; write JSON Lines (-o FILE.jsonl)") from None

    return write


def json_lines_sink(out: IO[str]) -> Write:
    """Write JSON Lines."""

    def write(rows: list[Row]) -> None:
        out.writelines(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)

    return write


@contextmanager
def _parquet_sink(path: Path, source: Path) -> Iterator[Write]:
    """Write Parquet; the columns of a Parquet source keep their types."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    added = [(name, pa.float64()) for name in ("predicted_price", "low", "high")] + [("error", pa.string())]
    known: Any = pq.read_schema(source) if source.suffix.lower() in PARQUET else None
    writers: list[Any] = []

    def write(rows: list[Row]) -> None:
        try:
            if not writers:
                own = known or pa.Table.from_pylist(rows).schema
                fields = [own.field(name) for name in own.names if name not in dict(added)]
                writers.append(pq.ParquetWriter(path, pa.schema([*fields, *added])))
            writers[0].write_table(pa.Table.from_pylist(rows, schema=writers[0].schema))
        except pa.ArrowException as error:
            raise Failure(f"not the first rows' types: {error}; write JSON Lines (-o FILE.jsonl)") from None

    try:
        yield write
    finally:
        for writer in writers:
            writer.close()
