"""Files of sales, in any format that listings come in: listing_id, sale_price and sold_at, in their usual names."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from lambdas.archive_bucket.sales import REPORTED_AT, SALES, Decision, Sale, encode, key
from lambdas.aws.objects import DAY
from listing_files.listings import SALES as SALE_COLUMNS
from listing_files.listings import ReadRow, RowReader
from listing_files.market_file import find_market
from listing_files.reading import Options
from listing_files.rejects import Rejects
from pricing.market import Market
from pricing.refusal import InvalidRecord, listing_refusal, shown
from terminal.errors import Failure

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FIELDS: tuple[str, ...] = Sale.__struct_fields__


class Wrong(Struct, frozen=True):
    """A row that is no sale: its line, counted from 1, and why."""

    line: int
    error: str


class SalesReport(Struct, frozen=True):
    """What became of a file: sales reported (of several rows about a listing the last), and refused rows."""

    reported: int
    repeated: int
    refused: list[Wrong]
    key: str | None


def report(
    file: Path,
    s3: "S3Client",
    bucket: str,
    now: datetime,
    market: Market | None = None,
    options: Options = Options(),  # noqa: B008 - it is frozen
    say: Callable[[str], object] = lambda _: None,
    rejects: Rejects | None = None,
) -> SalesReport:
    """Put the file's sales into the archive, all in one object: either all of them stand there or none.

    Wrong rows are left out and returned. Of several reports about a listing the archive's reader takes the latest
    price, and the first one's place among the sales: reporting a file again moves nothing. Raises `Failure` where the
    file cannot be read at all.
    """
    sales: dict[str, Sale] = {}
    refused: list[Wrong] = []
    reader = RowReader(file, SALE_COLUMNS, market or find_market({}), options, say=say, only_read=True)
    for read in reader:
        sale = _sale(read, now)
        if isinstance(sale, Wrong):
            refused.append(sale)
            if rejects:
                rejects.refuse(read, InvalidRecord("invalid_listing", sale.error), reader.columns)
        else:
            sales[sale.listing_id] = sale
    rows = reader.account.rows
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


def _sale(read: ReadRow, now: datetime) -> Sale | Wrong:
    if isinstance(read.found, InvalidRecord):
        return Wrong(read.line, str(read.found))
    known = dict(read.found)
    if missing := [name for name in FIELDS if name not in known]:
        return Wrong(read.line, f"{missing[0]}: required, but missing")
    try:
        known["sold_at"] = _time(known["sold_at"], now)
    except _NotA as error:
        return Wrong(read.line, str(error))
    try:
        return msgspec.convert(known, Sale)
    except msgspec.ValidationError as error:
        return Wrong(read.line, str(listing_refusal(error, known)))


class _NotA(ValueError):
    pass


def _time(value: object, now: datetime) -> str:
    if isinstance(value, date):  # a table's; a datetime is one, too
        value = value.isoformat()
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
