"""Priced rows as Parquet."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from listing_files.formats.tables import parquet_file
from listing_files.row_writers import USE_JSON_LINES, Added, Begin, Row, Write, refuse_others
from terminal.errors import Failure

_TYPES = {
    **dict.fromkeys(("predicted_price", "low", "high"), pa.float64()),
    "confidence": pa.string(),
    "warnings": pa.string(),
    "error": pa.string(),
}
ROWS_A_GROUP = 50_000  # held in memory; few rows a group are slow to read


@contextmanager
def parquet_sink(path: Path, source: Path | None) -> Iterator[Begin]:
    """Write Parquet: the columns of a Parquet source go over as they are, others have the types of the first rows.

    JSON has one kind of number, so whole ones are doubles, as far as doubles are exact. A row that a column cannot
    hold as it is, is a `Failure`. A file without rows has the columns all the same.
    """
    tables: list[_Table] = []

    def begin(columns: Sequence[str], added: Sequence[str]) -> Write:
        own = _OfRows(columns) if source is None else _OfSource(source)
        tables.append(_Table(path, own, added))
        return tables[0].write

    yield begin
    for table in tables:
        table.close()


class _OfSource:
    """Columns of a Parquet file, whose rows come one after the other."""

    def __init__(self, source: Path) -> None:
        self._source, file = source, parquet_file(source)
        self._batches = file.iter_batches(ROWS_A_GROUP)
        self._next = file.schema_arrow.empty_table().replace_schema_metadata()

    def schema(self, _rows: list[Row]) -> Any:  # noqa: ANN401 - as above
        return self._next.schema

    def of(self, rows: list[Row]) -> list[Any]:
        while self._next.num_rows < len(rows):
            try:
                more = pa.Table.from_batches([next(self._batches)])
            except (pa.ArrowException, OSError, StopIteration) as error:
                raise Failure(f"{self._source}: damaged ({str(error) or 'shorter than it was'})") from None
            self._next = pa.concat_tables([self._next, more.replace_schema_metadata()])
        head, self._next = self._next.slice(0, len(rows)), self._next.slice(len(rows))
        columns: list[Any] = head.columns
        return columns


class _OfRows:
    """Columns of rows that have no types of their own."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns
        self._fields: list[Any] = []

    def schema(self, rows: list[Row]) -> Any:  # noqa: ANN401 - as above
        self._fields = [_field(name, rows) for name in self._columns]
        return pa.schema(self._fields)

    def of(self, rows: list[Row]) -> list[Any]:
        refuse_others(rows, {*self._columns})
        return [_unaltered(rows, field) for field in self._fields]


class _Table:
    def __init__(self, path: Path, own: _OfSource | _OfRows, added: Sequence[str]) -> None:
        self._path, self._own = path, own
        self._added = pa.schema([(name, _TYPES[name]) for name in added])
        self._writer: Any = None
        self._written: list[Any] = []
        self._count = 0

    def write(self, rows: list[Row], added: Added) -> None:
        if not rows:
            return
        try:
            schema = self._opened(rows).schema
            more = [pa.array(added[field.name], field.type) for field in self._added]
            self._written.append(pa.Table.from_arrays([*self._own.of(rows), *more], schema=schema))
        except (pa.ArrowException, OverflowError) as error:
            raise Failure(f"not the first rows' types: {error}; {USE_JSON_LINES}") from None
        self._count += len(rows)
        if self._count >= ROWS_A_GROUP:
            self._flush()

    def close(self) -> None:
        writer = self._opened([])
        if self._written:
            self._flush()
        writer.close()

    def _flush(self) -> None:
        self._writer.write_table(pa.concat_tables(self._written))
        self._written, self._count = [], 0

    def _opened(self, rows: list[Row]) -> Any:  # noqa: ANN401 - as above
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, pa.schema([*self._own.schema(rows), *self._added]))
        return self._writer


def _field(name: str, rows: list[Row]) -> Any:  # noqa: ANN401 - as above
    with _naming(name):
        found = pa.array([row.get(name) for row in rows])
    if pa.types.is_null(found.type):
        return pa.field(name, pa.string())
    if pa.types.is_integer(found.type):
        with suppress(pa.ArrowInvalid):  # identifiers beyond 2^53 stay what they are
            return pa.field(name, found.cast(pa.float64()).type)
    return pa.field(name, found.type)


def _unaltered(rows: list[Row], field: Any) -> Any:  # noqa: ANN401 - as above
    """Return a column of the field's type; raises where that would alter a value.

    Asked for the type at once, pyarrow makes 62 of 62.7, and leaves out what objects hold beyond the first ones.
    """
    with _naming(field.name):
        found = pa.array([row.get(field.name) for row in rows])
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
