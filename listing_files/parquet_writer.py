"""Priced rows as Parquet."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from listing_files.row_writers import USE_JSON_LINES, Begin, Row, Write, refuse_others
from terminal.errors import Failure

_ADDED = {
    **dict.fromkeys(("predicted_price", "low", "high"), pa.float64()),
    "confidence": pa.string(),
    "warnings": pa.string(),
    "error": pa.string(),
}


@contextmanager
def parquet_sink(path: Path, source: Path | None) -> Iterator[Begin]:
    """Write Parquet: the columns of a Parquet source keep their types, others have those of the first rows.

    JSON has one kind of number, so whole ones are doubles, as far as doubles are exact. A row that a column cannot
    hold as it is, is a `Failure`. A file without rows has the columns all the same.
    """
    known: Any = source and pq.read_schema(source)
    tables: list[_Table] = []

    def begin(columns: Sequence[str]) -> Write:
        tables.append(_Table(path, [*columns], known))
        return tables[0].write

    yield begin
    for table in tables:
        table.close()


class _Table:
    def __init__(self, path: Path, columns: list[str], known: Any) -> None:  # noqa: ANN401 - pyarrow has no types
        self._path = path
        self._columns = columns
        self._allowed = set(columns)
        self._known = known
        self._writer: Any = None

    def write(self, rows: list[Row]) -> None:
        refuse_others(rows, self._allowed)
        if not rows:
            return
        try:
            writer = self._opened(rows)
            columns = [self._column(field, rows) for field in writer.schema]
            writer.write_table(pa.Table.from_arrays(columns, schema=writer.schema))
        except (pa.ArrowException, OverflowError) as error:
            raise Failure(f"not the first rows' types: {error}; {USE_JSON_LINES}") from None

    def close(self) -> None:
        self._opened([]).close()

    def _opened(self, rows: list[Row]) -> Any:  # noqa: ANN401 - as above
        if self._writer is None:
            own = [name for name in self._columns if name not in _ADDED]
            fields = [self._known.field(name) if self._known else _field(name, rows) for name in own]
            self._writer = pq.ParquetWriter(self._path, pa.schema([*fields, *_ADDED.items()]))
        return self._writer

    def _column(self, field: Any, rows: list[Row]) -> Any:  # noqa: ANN401 - as above
        values = [row.get(field.name) for row in rows]
        with _naming(field.name):
            return pa.array(values, field.type) if self._known else _unaltered(values, field)


def _field(name: str, rows: list[Row]) -> Any:  # noqa: ANN401 - as above
    with _naming(name):
        found = pa.array([row.get(name) for row in rows])
    if pa.types.is_null(found.type):
        return pa.field(name, pa.string())
    if pa.types.is_integer(found.type):
        with suppress(pa.ArrowInvalid):  # identifiers beyond 2^53 stay what they are
            return pa.field(name, found.cast(pa.float64()).type)
    return pa.field(name, found.type)


def _unaltered(values: list[object], field: Any) -> Any:  # noqa: ANN401 - as above
    """Return values as a column of the field's type; raises where that would alter one.

    Asked for the type at once, pyarrow makes 62 of 62.7, and leaves out what objects hold beyond the first ones.
    """
    found = pa.array(values)
    schemas = [pa.schema([field]), pa.schema([(field.name, found.type)])]
    if pa.unify_schemas(schemas, promote_options="permissive") != schemas[0]:
        raise pa.ArrowInvalid(f"{found.type} after {field.type}")
    return found.cast(field.type)


@contextmanager
def _naming(column: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OverflowError) as error:
        raise pa.ArrowInvalid(f"{column}: {error}") from None
