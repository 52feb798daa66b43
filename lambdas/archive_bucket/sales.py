"""What homes were sold for: the labels, as they stand in the archive.

sales/dt=YYYY-MM-DD/<uuid>.ndjson    (dt: UTC day of the report; uuid: made from the content and the time of the report)

Of several reports about a listing the latest says the price, and the first its place among the sales. The report's time
is the object's metadata `reported-at`, or where an object has none, S3's own time of writing.
"""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from pricing.listing import Text

SALES = "sales"
REPORTED_AT = "reported-at"  # object metadata, ISO 8601

_NAMESPACE = uuid.UUID("a3a1f0a5-6a0c-5d0e-9a56-6d0b1d4f7a11")  # ours, made once


class Sale(Struct, frozen=True):
    """A line of a sales object: a price in BRL, and when the sale closed (ISO 8601)."""

    listing_id: Text
    sale_price: Annotated[float, Meta(gt=0, le=10_000_000_000)]
    sold_at: Text


class ReportedSale(Struct, frozen=True, gc=False):
    """A sale, and when it was first reported."""

    listing_id: str
    sale_price: float
    sold_at: str
    reported_at: datetime


class FreshFrom(Struct, frozen=True):
    """The sale with which prices moved, as well as the alarm can tell, and when it was first reported."""

    listing_id: str
    reported_at: datetime


def encode(sales: Iterable[Sale]) -> bytes:
    """Return the sales as an object holds them."""
    return msgspec.json.Encoder().encode_lines(sales)


def key(body: bytes, reported_at: datetime) -> str:
    """Return where a report stands; the same content, reported at another time, stands beside it."""
    name = uuid.uuid5(_NAMESPACE, f"{reported_at.isoformat()} {body.decode()}")
    return f"{SALES}/dt={reported_at:%Y-%m-%d}/{name}.ndjson"
