"""Predictions as a Parquet file, written row group by row group."""

from pathlib import Path

from stream_consumer.consumer import Arrived
from stream_consumer.printing.formats import COLUMNS, row

ROWS = 50_000  # of a row group


class ParquetOutput:
    """A Parquet file with the columns of the CSV; it is whole once it is closed, and not before."""

    is_durable = False

    def __init__(self, path: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        types = {"area_m2": pa.float64(), "rooms": pa.float64(), "garage_places": pa.float64(), "index": pa.int64()}
        types |= dict.fromkeys(("predicted_price", "low", "high", "coverage"), pa.float64())
        self._schema = pa.schema([(name, types.get(name, pa.string())) for name in COLUMNS])
        self._table = pa.Table
        self._path = path
        self._draft = path.with_name(f".{path.name}.new")
        self._writer = pq.ParquetWriter(self._draft, self._schema)
        self._rows: list[dict[str, object]] = []

    def write(self, batch: list[Arrived]) -> None:
        """Take predictions."""
        self._rows += [dict(zip(COLUMNS, row(each), strict=True)) for each in batch]
        if len(self._rows) >= ROWS:
            self._write_group()

    def close(self) -> None:
        """Write what is left; then the file stands under its name, whole."""
        self._write_group()
        self._writer.close()
        self._draft.replace(self._path)

    def _write_group(self) -> None:
        if self._rows:
            self._writer.write_table(self._table.from_pylist(self._rows, self._schema))
            self._rows = []
