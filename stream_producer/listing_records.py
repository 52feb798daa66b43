"""Listings as records of the input stream."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from uuid import uuid4

import msgspec

from pricing import listing as listing_format
from pricing.listing import Decode, Listing, ListingEvent, SubmittedListing, decoder, listing_type, partition_key
from pricing.market import Column
from pricing.normalise import normalise
from pricing.refusal import InvalidRecord, listing_refusal
from stream_producer.records import MAX_RECORD_BYTES, Record, RowPosition

Submission = Listing | SubmittedListing | Mapping[str, object]

_NOWHERE = RowPosition(0, 0)
_encode_json = msgspec.json.Encoder(enc_hook=str).encode  # tables bring types of their own


class Records:
    """Listings and events of a market as records; what none of its models would price is refused."""

    def __init__(self, source: str, columns: Mapping[str, Column] = MappingProxyType({})) -> None:
        self._source = source
        self._type = listing_type(columns)
        self._decode = decoder(columns)

    def of(self, submission: Submission) -> Record:
        """Return the record of a listing, of an event, or of a dict that describes either.

        An event keeps its own identity; a listing gets a new one, from the source. Raises `InvalidRecord` naming the
        field and the value.
        """
        if isinstance(submission, SubmittedListing):
            return envelope_record(msgspec.to_builtins(submission), self._decode)
        if isinstance(submission, Listing):
            return listing_record(_checked(submission), self._source, uuid4().hex)
        if is_envelope(submission):
            return envelope_record(submission, self._decode)
        return self._described(submission)

    def _described(self, submission: Mapping[str, object]) -> Record:
        if submission.get("listing_id") is None:
            raise InvalidRecord("invalid_listing", "listing_id: required, but missing")
        return listing_record(normalise(submission, "", self._type), self._source, uuid4().hex)


def is_envelope(row: Mapping[str, object]) -> bool:
    """Return whether a document is a CloudEvent, and no bare listing."""
    return "specversion" in row


def envelope_record(
    event: Mapping[str, object], decode: Decode = listing_format.decode, position: RowPosition = _NOWHERE
) -> Record:
    """Return the record of an event, sent as it is; raises `InvalidRecord` for one that would not be priced."""
    data = _encode_json(event)
    return _record(decode(data).data.listing_id, data, position)


def listing_record(listing: Listing, source: str, event_id: str, position: RowPosition = _NOWHERE) -> Record:
    """Return the record of the event that submits a valid listing; raises `InvalidRecord` for one too large."""
    event = ListingEvent(
        specversion="1.0",
        id=event_id,
        source=source,
        type="listing.submitted",
        time=datetime.now(UTC),
        data=listing,
    )
    return _record(listing.listing_id, listing_format.encode(event), position)


def encode_json(row: Mapping[str, object]) -> bytes:
    """Return a row as JSON, whatever types a table gave it."""
    return _encode_json(row)


def _record(listing_id: str, data: bytes, position: RowPosition) -> Record:
    key = partition_key(listing_id)
    if len(data) + len(key.encode()) > MAX_RECORD_BYTES:
        raise InvalidRecord("invalid_event", f"event: {len(data)} bytes are too many for a record")
    return Record(key, data, (position,))


def _checked(listing: Listing) -> Listing:
    """Return a listing as it is; raises `InvalidRecord` where it was made of values that none may have."""
    values = msgspec.to_builtins(listing)
    try:
        return msgspec.convert(values, type(listing))
    except msgspec.ValidationError as error:
        raise listing_refusal(error, values) from None
