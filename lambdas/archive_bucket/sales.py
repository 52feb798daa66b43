"""What homes were sold for: the labels, as they stand in the archive.

sales/dt=YYYY-MM-DD/<uuid>.ndjson              reports
sales/decisions/dt=YYYY-MM-DD/<uuid>.ndjson    what a person has decided of reported sales

(dt: UTC day of the report; uuid: made from the content and the time of the report.) Of several reports about a listing
the latest says the price, and the first its place among the sales. The report's time is the object's metadata
`reported-at`, or where an object has none, S3's own time of writing. A decision holds for what was reported before it:
a sale that was withdrawn is as if never reported, and one reported afterwards is new.
"""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from pricing.listing import Text

SALES, DECISIONS = "sales", "sales/decisions"
REPORTED_AT = "reported-at"  # object metadata, ISO 8601

_NAMESPACE = uuid.UUID("a3a1f0a5-6a0c-5d0e-9a56-6d0b1d4f7a11")  # ours, made once


class Sale(Struct, frozen=True):
    """A line of a sales object: a price, and when the sale closed (ISO 8601)."""

    listing_id: Text
    sale_price: Annotated[float, Meta(gt=0, le=10_000_000_000)]
    sold_at: Text


Decided = Literal["accepted", "withdrawn"]


class Decision(Struct, frozen=True):
    """A line of a decisions object: the sale stands, though it is not credible, or it has fallen through."""

    listing_id: Text
    decision: Decided


class ReportedSale(Struct, frozen=True, gc=False):
    """A sale, when it was first reported, and whether a person has accepted its price."""

    listing_id: str
    sale_price: float
    sold_at: str
    reported_at: datetime
    accepted: bool = False


class FreshFrom(Struct, frozen=True):
    """The sale with which prices moved, as well as the alarm can tell, and when it was first reported."""

    listing_id: str
    reported_at: datetime


def encode(sales: Iterable[Sale | Decision]) -> bytes:
    """Return sales, or decisions, as an object holds them."""
    return msgspec.json.Encoder().encode_lines(sales)


def key(body: bytes, reported_at: datetime, folder: str = SALES) -> str:
    """Return where a report stands; the same content, reported at another time, stands beside it."""
    name = uuid.uuid5(_NAMESPACE, f"{reported_at.isoformat()} {body.decode()}")
    return f"{folder}/dt={reported_at:%Y-%m-%d}/{name}.ndjson"
