"""Rows of a CSV file, a broken one named and passed over."""

import csv
from collections import Counter
from collections.abc import Callable, Iterator

from listing_files.lines import Lines
from listing_files.stray_quotes import are_rows
from pricing.refusal import InvalidRecord
from terminal.errors import Failure

Row = tuple[int, dict[str, object] | InvalidRecord]  # a row that cannot be read is the reason why
OnColumns = Callable[[list[str]], object]

REQUIRED_COLUMNS = (("neighborhood",), ("area_m2", "square-foot"))  # each in one of its spellings


def require_columns(names: list[str], name: str) -> None:
    """Raise `Failure` where columns of the file `name` are missing or stand twice; blanks around them do not matter."""
    columns = [column.strip() for column in names]
    missing = [" or ".join(names) for names in REQUIRED_COLUMNS if not set(names) & set(columns)]
    if not columns:
        raise Failure(f"{name}: empty, expected a header with {' and '.join(missing)}")
    if missing:
        found = ", ".join(columns)
        found = found if len(found) <= 200 else f"{found[:200]}…"
        raise Failure(f"{name}: no column {', no column '.join(missing)}; found: {found}")
    if twice := [column for column, number in Counter(columns).items() if number > 1]:
        raise Failure(f"{name}: the column {', '.join(twice) or '(without a name)'} stands there more than once")


def csv_rows(lines: Lines, name: str, on_columns: OnColumns) -> Iterator[Row]:
    """Yield a CSV file's rows after its header, which goes to `on_columns`; a row that cannot be read is its error."""
    try:
        header = next(csv.reader(lines, strict=True), [])
    except (csv.Error, UnicodeDecodeError) as error:
        raise Failure(f"{name}, line {lines.number}: {_fault(error)}") from None
    require_columns(header, name)
    on_columns(header)
    for number, values in enumerate(_csv_values(lines, header), start=1):
        yield number, values if isinstance(values, InvalidRecord) else dict(zip(header, values, strict=True))


def _csv_values(lines: Lines, header: list[str]) -> Iterator[list[str] | InvalidRecord]:
    reader = csv.reader(lines, strict=True)  # else a stray quote swallows the rows behind it
    while True:
        lines.begin_row()
        try:
            values = next(reader, None)
        except csv.Error as error:
            yield unreadable_row(f"line {lines.keep_one()}: {_fault(error)}")
            continue
        except UnicodeDecodeError as error:
            yield unreadable_row(f"line {lines.number}: {_fault(error)}")
            lines.keep_one()
            continue
        if values is None:
            return
        if lines.height > 1 and are_rows(lines.row(), header):
            yield unreadable_row(f"line {lines.keep_one()}: not CSV (a stray quote joins it with the lines behind it)")
        elif len(values) == len(header):
            yield values
        elif values:  # else a blank line
            yield unreadable_row(f"line {lines.keep_one()}: {len(values)} values for {len(header)} columns")


def _fault(error: csv.Error | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 (byte 0x{error.object[error.start]:02x} at {error.start})"
    return f"not CSV ({error})"


def unreadable_row(what: str) -> InvalidRecord:
    """Return the error for a row that cannot be read as such."""
    return InvalidRecord("invalid_json", what)
