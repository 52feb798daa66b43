"""Rows as CSV and as JSON Lines, chunk by chunk."""

import csv
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import repeat
from typing import IO

import msgspec

from terminal.errors import Failure

Row = dict[str, object]
Added = Mapping[str, Sequence[object]]  # columns that rows get, with a value for each row
Write = Callable[[list[Row], Added], None]
Begin = Callable[[Sequence[str], Sequence[str]], Write]  # from the columns that the rows have, and the added ones
USE_JSON_LINES = "write JSON Lines (-o FILE.jsonl)"

_encode_json = msgspec.json.Encoder(enc_hook=str).encode  # NaN and Infinity are null, bytes are base64


def refuse_others(rows: Iterable[Row], columns: AbstractSet[str]) -> None:
    """Raise `Failure` for a row with a column that the table has not."""
    for row in rows:
        if more := row.keys() - columns:
            raise Failure(f"not among the first rows' columns: {', '.join(sorted(more))}; {USE_JSON_LINES}")


def _values_of(added: Added) -> Iterator[tuple[object, ...]]:
    """Yield the added values row by row; nothing for each of any number of rows where nothing is added."""
    return zip(*added.values(), strict=True) if added else repeat(())


def csv_sink(out: IO[str]) -> Begin:
    """Write CSV: None is an empty field, what is nested stands as JSON, bytes as base64."""

    def begin(columns: Sequence[str], added: Sequence[str]) -> Write:
        writer, known = csv.writer(out, lineterminator="\n"), set(columns)
        writer.writerow([*columns, *added])

        def write(rows: list[Row], added: Added) -> None:
            refuse_others(rows, known)  # JSON Lines may differ in their fields
            writer.writerows(
                [*(_cell(row.get(name)) for name in columns), *more]
                for row, more in zip(rows, _values_of(added), strict=False)
            )

        return write

    return begin


def _cell(value: object) -> object:
    if isinstance(value, dict | list):
        return _encode_json(value).decode()
    return b64encode(value).decode() if isinstance(value, bytes) else value


def json_lines_sink(out: IO[str]) -> Begin:
    """Write JSON Lines; each row names its own fields."""

    def write(rows: list[Row], added: Added) -> None:
        for row, more in zip(rows, _values_of(added), strict=False):
            out.write(f"{_encode_json(row | dict(zip(added, more, strict=True))).decode()}\n")

    return lambda _columns, _added: write
