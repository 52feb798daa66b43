"""A listing, the event that submits it, and what a model may know of it.

This module is the one definition of a valid listing. The stream takes the canonical form
only; scraped spelling is dealt with in `pricing.normalise`, at the edges.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from pricing.market import Column, Market
from pricing.refusal import refusal

TEXT_LIMIT = 256
_KEY_LIMIT = 128  # characters, each at most two of the 256 units that Kinesis may count them in
Text = Annotated[str, Meta(min_length=1, max_length=TEXT_LIMIT)]
Count = Annotated[float, Meta(ge=0, le=1_000, multiple_of=1)]  # whole numbers, and 3.0 is 3


class _Home(Struct, frozen=True, omit_defaults=True, gc=False):
    neighborhood: Text
    area_m2: Annotated[float, Meta(gt=0, le=100_000)]
    rooms: Count | None = None
    garage_places: Count | None = None
    adm_fees: Annotated[float, Meta(ge=0, le=10_000_000)] | None = None
    latitude: Annotated[float, Meta(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Meta(ge=-180, le=180)] | None = None


class Listing(_Home, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A home for sale: areas in m², monthly fees in the market's currency, places in degrees; unknown is None.

    A market's own columns are fields of a class of its own: `listing_type`.
    """

    listing_id: Text
    city: str | None = None
    address: str | None = None


class Features(_Home, frozen=True, omit_defaults=True, gc=False):
    """What a model may read of a listing. The names of its fields are the names of a model's inputs."""

    street: str | None = None
    more: dict[str, float | str] | None = None  # a market's own columns, where known


class SubmittedListing(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What is read of a listing event, a CloudEvent 1.0 (structured JSON, UTF-8)."""

    specversion: Literal["1.0"]
    id: Text
    source: Text
    type: Literal["listing.submitted"]
    data: Listing


class ListingEvent(SubmittedListing, frozen=True, kw_only=True, omit_defaults=True):
    """A listing event as a publisher writes it."""

    time: datetime | None = None  # nobody reads it: the stream's own arrival time is what counts


Decode = Callable[[bytes], SubmittedListing]

FIELDS: tuple[str, ...] = Listing.__struct_fields__
_encoder = msgspec.json.Encoder()


def listing_type(columns: Mapping[str, Column]) -> type[Listing]:
    """Return the class of a market's listings: `Listing` with fields for the market's own columns, None where unknown.

    Such a field is a number in its column's limits, or text of 1 to 256 characters.
    """
    if not columns:
        return Listing
    fields = [(name, _type(column) | None, None) for name, column in columns.items()]
    bases = (Listing,)
    found: Any = msgspec.defstruct(
        "Listing", fields, bases=bases, frozen=True, kw_only=True, omit_defaults=True, gc=False
    )
    return found  # type: ignore[no-any-return] # a subclass


def _type(column: Column) -> Any:  # noqa: ANN401 - what is annotated is no type to mypy
    low, high = column.limits
    return Text if column.type == "text" else Annotated[float, Meta(ge=low, le=high)]


def decoder(columns: Mapping[str, Column]) -> Decode:
    """Return `decode` for the listings of a market with such columns."""
    kind: Any = SubmittedListing
    if columns:
        data = ("data", listing_type(columns))
        kind = msgspec.defstruct(
            "SubmittedListing", [data], bases=(SubmittedListing,), frozen=True, kw_only=True, gc=False
        )
    decode_json: Decode = msgspec.json.Decoder(kind).decode

    def decode(payload: bytes) -> SubmittedListing:
        try:
            if not payload.isascii():
                payload.decode()  # the decoder skips unknown fields without looking at their encoding
            return decode_json(payload)
        except (ValueError, RecursionError) as error:
            raise refusal(payload, error) from None

    return decode


_decode = decoder({})


def decode(payload: bytes) -> SubmittedListing:
    """Return what is read of the listing event that a record carries.

    Raises `InvalidRecord`, and nothing else, for every payload that is not a valid event.
    """
    return _decode(payload)


def encode(event: SubmittedListing) -> bytes:
    """Return the event as it stands on the stream."""
    return _encoder.encode(event)


def features(listing: Listing, market: Market | None = None) -> Features:
    """Return what a model may read of a listing; the street is the address before its first comma.

    `market`: whose own columns are read, too; of a listing without them nothing is known.
    """
    address = listing.address
    street = address.partition(",")[0].strip()[:TEXT_LIMIT] if address else ""
    return Features(
        listing.neighborhood,
        listing.area_m2,
        listing.rooms,
        listing.garage_places,
        listing.adm_fees,
        listing.latitude,
        listing.longitude,
        street or None,
        _own(listing, market) if market is not None and market.columns else None,
    )


def _own(listing: Listing, market: Market) -> dict[str, float | str] | None:
    values = ((name, getattr(listing, name, None)) for name in market.columns)
    return {name: value for name, value in values if value is not None} or None


def partition_key(listing_id: str) -> str:
    """Return the partition key of a listing's events and predictions: its id, cut where Kinesis would refuse it."""
    return listing_id if listing_id.isascii() else listing_id[:_KEY_LIMIT]
