"""Rows as CSV and as JSON Lines, chunk by chunk."""

import csv
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import IO

import msgspec

from terminal.errors import Failure

Row = dict[str, object]
Write = Callable[[list[Row]], None]
Begin = Callable[[Sequence[str]], Write]  # from the columns of the table
USE_JSON_LINES = "write JSON Lines (-o FILE.jsonl)"

_encode_json = msgspec.json.Encoder(enc_hook=str).encode  # NaN and Infinity are null, bytes are base64


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
