"""Files of sales: CSV with the header listing_id,sale_price,sold_at, or JSON Lines with these fields."""

import csv
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from lambdas.archive_bucket.sales import REPORTED_AT, SALES, Decision, Sale, encode, key
from lambdas.aws.objects import DAY
from listing_files.reading import existing
from pricing.normalise import identifier
from pricing.refusal import listing_refusal, shown
from terminal.errors import Failure, UsageFailure

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FIELDS: tuple[str, ...] = Sale.__struct_fields__


class Wrong(Struct, frozen=True):
    """A row that is no sale: the line it ends on, counted from 1, and why."""

    line: int
    error: str


class SalesReport(Struct, frozen=True):
    """What became of a file: sales reported (of several rows about a listing the last), and refused rows."""

    reported: int
    repeated: int
    refused: list[Wrong]
    key: str | None


def report(file: Path, s3: "S3Client", bucket: str, now: datetime) -> SalesReport:
    """Put the file's sales into the archive, all in one object: either all of them stand there or none.

    Wrong rows are left out and returned. Of several reports about a listing the archive's reader takes the latest
    price, and the first one's place among the sales: reporting a file again moves nothing. Raises `Failure` where the
    file cannot be read at all.
    """
    sales: dict[str, Sale] = {}
    refused: list[Wrong] = []
    rows = 0
    for line, row in _rows(file):
        rows += 1
        sale = row if isinstance(row, Wrong) else _sale(line, row, now)
        if isinstance(sale, Wrong):
            refused.append(sale)
        else:
            sales[sale.listing_id] = sale
    if not rows:
        raise Failure(f"{file}: no rows")
    repeated = rows - len(refused) - len(sales)
    if not sales:
        return SalesReport(0, repeated, refused, None)
    name = put_lines(s3, bucket, now, list(sales.values()))
    return SalesReport(len(sales), repeated, refused, name)


def put_lines(s3: "S3Client", bucket: str, now: datetime, lines: Sequence[Sale | Decision], folder: str = SALES) -> str:
    """Write sales, or decisions about them, as one object of a folder, reported now; return its key."""
    body = encode(lines)
    name = key(body, now, folder)
    s3.put_object(
        Bucket=bucket,
        Key=name,
        Body=body,
        ContentType="application/x-ndjson",
        Metadata={REPORTED_AT: now.isoformat()},
    )
    return name


def _rows(file: Path) -> Iterator[tuple[int, dict[str, Any] | Wrong]]:
    readers = {".csv": _csv_rows, ".jsonl": _json_rows, ".ndjson": _json_rows}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise UsageFailure(f"{file}: expected a name that ends in .csv, .jsonl or .ndjson")
    try:
        with existing(file).open(encoding="utf-8-sig", newline="") as content:
            yield from reader(file, content)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Failure(f"{file}: {error}") from error


def _csv_rows(file: Path, content: IO[str]) -> Iterator[tuple[int, dict[str, Any] | Wrong]]:
    rows = csv.reader(content, strict=True)
    header = [name.strip() for name in next(rows, [])]
    if missing := [name for name in FIELDS if name not in header]:
        raise Failure(f"{file}: no column {', '.join(missing)} in the header")
    for row in rows:
        if not row:
            continue
        if len(row) == len(header):
            yield rows.line_num, dict(zip(header, (value.strip() for value in row), strict=True))
        else:
            yield rows.line_num, Wrong(rows.line_num, f"row: expected {len(header)} fields, got {len(row)}")


def _json_rows(_: Path, content: IO[str]) -> Iterator[tuple[int, dict[str, Any] | Wrong]]:
    for number, line in enumerate(content, start=1):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line)
        except (ValueError, RecursionError):
            yield number, Wrong(number, f"row: expected JSON, got {shown(line.strip())}")
            continue
        yield number, row if isinstance(row, dict) else Wrong(number, f"row: expected an object, got {shown(row)}")


def _sale(line: int, row: dict[str, Any], now: datetime) -> Sale | Wrong:
    known = {name: row[name] for name in FIELDS if row.get(name) not in (None, "")}
    try:
        known["listing_id"] = identifier(known["listing_id"])
        known["sale_price"] = _number(known["sale_price"])
        known["sold_at"] = _time(known["sold_at"], now)
    except KeyError as error:
        return Wrong(line, f"{error.args[0]}: required, but missing")
    except _NotA as error:
        return Wrong(line, str(error))
    try:
        return msgspec.convert(known, Sale)
    except msgspec.ValidationError as error:
        return Wrong(line, str(listing_refusal(error, known)))


class _NotA(ValueError):
    pass


def _number(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value.encode(), type=float)
    except msgspec.DecodeError:
        raise _NotA(f"sale_price: expected a number, got {shown(value)}") from None


def _time(value: object, now: datetime) -> str:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        at = at and (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # no time, or none that UTC's calendar holds
        at = None
    if at is None:
        raise _NotA(f"sold_at: expected a time such as 2026-11-23T12:00:00Z, got {shown(value)}")
    if at > now + DAY:  # a date without a zone may be tomorrow's
        raise _NotA(f"sold_at: expected a time that has come, got {shown(value)}")
    return at.isoformat().replace("+00:00", "Z")
