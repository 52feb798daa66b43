"""Priced rows as Parquet."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from belo.errors import Failure
from training.sinks import Begin, Row, Write, not_the_columns

_ADDED = {**dict.fromkeys(("predicted_price", "low", "high"), pa.float64()), "error": pa.string()}


@contextmanager
def parquet_sink(path: Path, source: Path | None) -> Iterator[Begin]:
    """Write Parquet: the columns of a Parquet source keep their types, others have those of the first rows.

    A file without rows has the columns all the same.
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
        for row in rows:
            if more := row.keys() - self._allowed:
                raise not_the_columns(", ".join(sorted(more)))
        if not rows:
            return
        try:
            writer = self._opened(rows)
            writer.write_table(pa.Table.from_pylist(rows, schema=writer.schema))
        except (pa.ArrowException, OverflowError) as error:
            raise Failure(f"not the first rows' types: {error}; write JSON Lines (-o FILE.jsonl)") from None

    def close(self) -> None:
        self._opened([]).close()

    def _opened(self, rows: list[Row]) -> Any:  # noqa: ANN401 - as above
        if self._writer is None:
            own = [name for name in self._columns if name not in _ADDED]
            fields = [self._known.field(name) if self._known else _field(name, rows) for name in own]
            self._writer = pq.ParquetWriter(self._path, pa.schema([*fields, *_ADDED.items()]))
        return self._writer


def _field(name: str, rows: list[Row]) -> Any:  # noqa: ANN401 - as above
    return pa.field(name, pa.array([row.get(name) for row in rows]).type if rows else pa.string())
