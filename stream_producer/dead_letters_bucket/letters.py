"""Objects of the dead-letters bucket: dead letters, and the batches that Lambda parked."""

import gzip
import zlib
from base64 import b64decode
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from pricing.dead_letter_layout import DEAD_LETTERS, PARKED, DeadLetter
from pricing.listing import TEXT_LIMIT, Text
from stream_producer.records import Record

PARKED_REASON = "parked"


class UnreadableObject(ValueError):
    """An object that holds no letters as far as one can tell; the text says why."""


class Letter(Struct, frozen=True):
    """A record that came to nothing: why, when it arrived (UTC), and how to send it again.

    `place` is where it stood on the stream, the same in every object that holds the letter: shard, sequence number and,
    for one event of an aggregated record, its index there.
    """

    reason: str
    arrived_at: datetime
    record: Record
    place: str

    @property
    def record_place(self) -> str:
        """Return where its record stood on the stream."""
        return ":".join(self.place.split(":")[:2])

    @property
    def digest(self) -> str:
        """Return by what it is known when it comes again."""
        return blake2b(self.record.data, digest_size=16).hexdigest()

    def without_data(self) -> "Letter":
        """Return it without its bytes."""
        return msgspec.structs.replace(self, record=Record(self.record.partition_key, b""))


class Letters(Protocol):
    """The letters of an object."""

    @property
    def letters(self) -> list[Letter]:
        """The letters, in order."""

    def holding(self, indices: Sequence[int]) -> bytes:
        """Return the content of an object of this kind that holds only these of the letters."""


def read(key: str, body: bytes, stream: str) -> Letters:
    """Return the letters of an object; `stream` is the one whose parked batches are wanted.

    Raises `UnreadableObject`.
    """
    try:
        return _Parked(body, stream) if key.startswith(f"{PARKED}/") else _DeadLetters(body)
    except (ValueError, OSError, EOFError, zlib.error, OverflowError, RecursionError) as error:
        raise UnreadableObject(f"{key}: {error}") from None
    except (KeyError, TypeError, AttributeError) as error:
        raise UnreadableObject(f"{key}: not what Lambda parks ({error!r})") from None


def read_any(body: bytes, stream: str) -> Letters:
    """Return the letters of an object of either kind; raises `UnreadableObject`."""
    gzipped = body.startswith(b"\x1f\x8b")
    return read(f"{DEAD_LETTERS}/" if gzipped else f"{PARKED}/", body, stream)


class _DeadLetters:
    """A line a letter, gzipped."""

    def __init__(self, body: bytes) -> None:
        self._lines = gzip.decompress(body).splitlines()
        self.letters = [self._letter(msgspec.json.decode(line, type=DeadLetter)) for line in self._lines]

    @staticmethod
    def _letter(line: DeadLetter) -> Letter:
        if len(line.partition_key) > TEXT_LIMIT:
            raise ValueError(f"partition_key: {len(line.partition_key)} characters, at most {TEXT_LIMIT}")
        data = b64decode(line.payload, validate=True)
        key = line.partition_key or _listing_id(data) or line.sequence_number
        place = f"{line.shard_id}:{line.sequence_number}" + (f":{line.index}" if line.index else "")
        return Letter(line.reason, _in_utc(datetime.fromisoformat(line.arrived_at)), Record(key, data), place)

    def holding(self, indices: Sequence[int]) -> bytes:
        return gzip.compress(b"".join(self._lines[index] + b"\n" for index in indices), mtime=0)


class _Kinesis(Struct, rename="camel"):
    """What redrive reads of a record that Lambda parked."""

    partition_key: Text
    data: str
    approximate_arrival_timestamp: float


class _Parked:
    """A failed invocation; `payload` is the event: text, or (LocalStack) an object."""

    def __init__(self, body: bytes, stream: str) -> None:
        self._document: dict[str, Any] = msgspec.json.decode(body)
        payload = self._document["payload"]
        self._is_text = isinstance(payload, str)
        self._event: dict[str, Any] = msgspec.json.decode(payload) if self._is_text else payload
        self._records: list[dict[str, Any]] = self._event["Records"]
        sources = {record["eventSourceARN"].rpartition("/")[2] for record in self._records}
        # Other functions may park their batches in the same bucket.
        self.letters = [self._letter(record) for record in self._records] if sources == {stream} else []

    @staticmethod
    def _letter(record: dict[str, Any]) -> Letter:
        kinesis = msgspec.convert(record["kinesis"], _Kinesis)
        arrived_at = datetime.fromtimestamp(kinesis.approximate_arrival_timestamp, UTC)
        data = b64decode(kinesis.data, validate=True)
        return Letter(PARKED_REASON, arrived_at, Record(kinesis.partition_key, data), str(record["eventID"]))

    def holding(self, indices: Sequence[int]) -> bytes:
        event = {**self._event, "Records": [self._records[index] for index in indices]}
        payload = msgspec.json.encode(event).decode() if self._is_text else event
        return msgspec.json.encode({**self._document, "payload": payload})


class _Data(Struct):
    listing_id: Text


class _Named(Struct):
    """What names the listing of an event, whatever is wrong with the rest of it."""

    data: _Data


def _listing_id(payload: bytes) -> str:
    """Return the key that an event has if its record had an empty one, as an aggregated record may have; or ""."""
    try:
        return msgspec.json.decode(payload, type=_Named).data.listing_id
    except (ValueError, RecursionError):
        return ""


def _in_utc(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)
