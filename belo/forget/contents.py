"""Contents of objects without a listing, by kind; what is about other listings stays as it is, byte for byte."""

import gzip
import io
import zipfile
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from belo.forget.listing_name import ListingName
from lambdas.archive_bucket.day_index import DayIndex, listing_hashes
from pricing.aggregation import DamagedAggregate, join, split

NOBODY = ""  # in place of the id where a document cannot do without one; no listing is called so

_GZIP = b"\x1f\x8b"
_UNREADABLE = (
    *(ValueError, OSError, EOFError, zlib.error, zipfile.BadZipFile, OverflowError, RecursionError),
    *(KeyError, TypeError, AttributeError),  # JSON of another form
)


class Unreadable(Exception):
    """A content that is not of its kind; the text says why."""


class Cut(Struct, frozen=True):
    """How many traces of a listing were found, and the content without them: None where nothing is left."""

    found: int
    body: bytes | None


Kind = Callable[[bytes, ListingName], Cut | None]


def cut(kind: Kind, body: bytes, listing: ListingName) -> Cut | None:
    """Return a content without a listing, None where it holds no trace of it; raises `Unreadable`."""
    try:
        return kind(body, listing)
    except _UNREADABLE as error:
        raise Unreadable(str(error) or type(error).__name__) from None


def rows(body: bytes, listing: ListingName) -> Cut | None:
    """Cut lines that have a `listing_id`: predictions, sales, and decisions about them."""
    content = _unpacked(body)
    return _lines(body, content, listing.in_row) if listing.may_be_in(content) else None


def letters(body: bytes, listing: ListingName) -> Cut | None:
    """Cut lines that hold a record as `payload` and `partition_key`: dead letters, and foreign records."""
    return _lines(body, _unpacked(body), lambda line: _in_letter(line, listing))


def redriven(body: bytes, listing: ListingName) -> Cut | None:
    """Cut what was redriven: dead letters, or a parked batch."""
    return letters(body, listing) if body.startswith(_GZIP) else parked(body, listing)


def parked(body: bytes, listing: ListingName) -> Cut | None:
    """Cut records, and events of aggregated records, out of a batch that Lambda parked.

    An aggregated record that loses an event loses its explicit hash keys and tags, too, which nobody reads.
    """
    document: dict[str, Any] = msgspec.json.decode(body)
    payload = document["payload"]
    event = msgspec.json.decode(payload) if isinstance(payload, str) else payload
    found, left = 0, []
    for record in event["Records"]:
        traces, rest = _record(record, listing)
        found += traces
        left += [rest] if rest else []
    if not found:
        return None
    event["Records"] = left
    document["payload"] = msgspec.json.encode(event).decode() if isinstance(payload, str) else event
    return Cut(found, msgspec.json.encode(document) if left else None)


def document(body: bytes, listing: ListingName) -> Cut | None:
    """Cut a JSON document: entries of its lists that have the `listing_id`; where it stands elsewhere it is blanked."""
    content = _unpacked(body)
    if not listing.may_be_in(content):
        return None
    whole = msgspec.json.decode(content)
    found = _pruned(whole, listing.id)
    if not found:
        return None
    encoded = msgspec.json.encode(whole)
    return Cut(found, _packed(msgspec.json.format(encoded, indent=1) if b"\n" in content else encoded, like=body))


def index(body: bytes, listing: ListingName) -> Cut | None:
    """Cut a day's index whole where it has the hash of the id: whoever needs it next builds it anew."""
    held = DayIndex.load(body).holding(listing_hashes([listing.id]))
    return Cut(1, None) if held else None


def _lines(body: bytes, content: bytes, names: Callable[[bytes], bool]) -> Cut | None:
    lines = io.BytesIO(content).readlines()
    left = [line for line in lines if not names(line)]
    if len(left) == len(lines):
        return None
    rest = b"".join(left)
    return Cut(len(lines) - len(left), _packed(rest, like=body) if rest.strip() else None)


class _Letter(Struct):
    payload: str
    partition_key: str


def _in_letter(line: bytes, listing: ListingName) -> bool:
    try:
        letter = msgspec.json.decode(line, type=_Letter)
        payload = b64decode(letter.payload, validate=True)
    except (ValueError, RecursionError):
        return listing.in_text(line)
    return listing.in_record(letter.partition_key, payload)


def _record(record: dict[str, Any], listing: ListingName) -> tuple[int, dict[str, Any] | None]:
    """Return how many traces a record of a batch has, and what is left of it."""
    kinesis = record["kinesis"]
    key, data = kinesis["partitionKey"], b64decode(kinesis["data"], validate=True)
    members = _members(data)
    if not members:
        return (1, None) if listing.in_record(key, data) else (0, record)
    left = [(own, each) for own, each in members if not listing.in_record(own or key, each)]
    if len(left) == len(members):
        return 0, record
    if not left:
        return len(members), None
    if listing.is_key(key):
        key = next((own for own, _ in left if own), record["eventID"])
    rest = {**kinesis, "partitionKey": key, "data": b64encode(join(left)).decode()}
    return len(members) - len(left), {**record, "kinesis": rest}


def _members(data: bytes) -> list[tuple[str, bytes]] | None:
    """Return the events of an aggregated record; None for any other, and for a damaged one, which goes as a whole."""
    try:
        return split(data)
    except DamagedAggregate:
        return None


def _pruned(value: object, listing_id: str) -> int:
    """Take a listing out of a document; return how many traces that were."""
    found = 0
    if isinstance(value, list):
        left = [each for each in value if not _names(each, listing_id)]
        found = len(value) - len(left)
        value[:] = left
    elif _names(value, listing_id):
        value["listing_id"] = NOBODY  # type: ignore[index] # it is a dict
        found = 1
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return found + sum(_pruned(each, listing_id) for each in parts)


def _names(value: object, listing_id: str) -> bool:
    return isinstance(value, dict) and value.get("listing_id") == listing_id


def _unpacked(body: bytes) -> bytes:
    return gzip.decompress(body) if body.startswith(_GZIP) else body


def _packed(content: bytes, like: bytes) -> bytes:
    return gzip.compress(content, 6, mtime=0) if like.startswith(_GZIP) else content
