"""Rows of tables with types of their own: Parquet and Excel."""

from collections.abc import Callable, Container, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from listing_files.formats.csv_rows import TITLE_LINES, Recognised, Row
from terminal.errors import Failure

_ROWS_A_READ = 4_000


def parquet_file(path: Path) -> Any:  # noqa: ANN401 - pyarrow has no types
    """Open a Parquet file; raises `Failure`."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise Failure(f"{path}: Parquet; `pip install pyarrow` reads it") from None
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise Failure(f"{path}: not a Parquet file ({error})") from None


def parquet_rows(path: Path, file: Any, only: Container[str] | None) -> Iterator[Row]:  # noqa: ANN401 - as above
    """Yield the rows of a Parquet file; with `only`, its other columns are not looked at, whatever they hold."""
    import pyarrow as pa

    names = list(file.schema_arrow.names)
    read = None if only is None else [name for name in names if name in only]
    number = 0
    try:
        for batch in file.iter_batches(batch_size=_ROWS_A_READ, columns=read):
            for values in _python(batch):
                number += 1
                yield Row(number, number, values)
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise Failure(f"{path}: damaged after row {number} ({error})") from None


def _python(batch: Any) -> list[dict[str, object]]:  # noqa: ANN401 - as above
    """Return a batch's rows; times that Python's calendar does not hold are whole numbers, as they are stored."""
    try:
        rows: list[dict[str, object]] = batch.to_pylist()
    except (ValueError, OverflowError):
        import pyarrow as pa

        columns = [
            column.cast(pa.int64())
            if pa.types.is_timestamp(column.type) or pa.types.is_date64(column.type)
            else column.cast(pa.int32())
            if pa.types.is_date32(column.type)
            else column
            for column in batch.columns
        ]
        rows = pa.RecordBatch.from_arrays(columns, names=batch.schema.names).to_pylist()
    return rows


def excel_rows(path: Path, recognised: Recognised) -> tuple[str, list[str], Callable[[list[str]], Iterator[Row]]]:
    """Return what is read, the header of a workbook's first sheet, and what yields its rows; raises `Failure`."""
    try:
        import python_calamine as calamine
    except ImportError:
        raise Failure(f"{path}: Excel; `pip install python-calamine` reads it, or save it as CSV") from None
    try:
        with calamine.CalamineWorkbook.from_path(str(path)) as book:
            table = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
            others = len(book.sheet_names) - 1
            told = f"Excel, sheet {book.sheet_names[0]}" + (f", and {others} others are not read" if others else "")
    except (calamine.CalamineError, OSError, IndexError) as error:
        raise Failure(f"{path}: not an Excel workbook ({error})") from None
    heads = [[str(cell) for cell in row] for row in table[: TITLE_LINES + 1]]
    place = max(range(len(heads)), key=lambda at: (recognised(heads[at]), -at), default=0)
    return told, (heads[place] if heads else []), lambda names: _sheet_rows(table, place, names)


def _sheet_rows(table: list[list[Any]], place: int, names: list[str]) -> Iterator[Row]:
    number = 0
    for at, cells in enumerate(table[place + 1 :], start=place + 2):
        if any(cell != "" for cell in cells):
            number += 1
            yield Row(number, at, {name: _cell(cell) for name, cell in zip(names, cells, strict=False) if name})


def _cell(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value
