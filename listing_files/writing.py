"""Where priced rows go: a file that appears when it is whole, or standard output."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from listing_files.row_writers import Begin, csv_sink, json_lines_sink
from terminal.errors import Failure, UsageFailure

PARQUET = (".parquet", ".pq")
JSON_LINES = (".jsonl", ".ndjson", ".json")


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
        from listing_files.parquet_writer import parquet_sink  # pyarrow is heavy

        with parquet_sink(path, source if source.suffix.lower() in PARQUET else None) as begin:
            yield begin
        return
    with path.open("w", encoding="utf-8", newline="") as out:
        yield json_lines_sink(out) if suffix in JSON_LINES else csv_sink(out)
