"""The prediction of a price, and the event that publishes it."""

import functools
from collections.abc import Callable
from hashlib import blake2b
from typing import Literal

import msgspec
from msgspec import Struct

from pricing.listing import Features

Confidence = Literal["A", "B", "C", "D", "E"]


class Interval(Struct, frozen=True, gc=False):
    """Bounds between which the price lies with probability `coverage`."""

    low: float
    high: float
    coverage: float


class ModelVersion(Struct, frozen=True, gc=False):
    """Which model made a prediction."""

    name: str
    version: str


class SourcePosition(Struct, frozen=True, gc=False):
    """Where on the input stream a listing stood; `index` counts within an aggregated record."""

    shard_id: str
    sequence_number: str
    index: int


class Shadow(Struct, frozen=True, gc=False):
    """What the challenger would have said."""

    version: str
    predicted_price: float


class Prediction(Struct, frozen=True, omit_defaults=True, gc=False):
    """A price with its interval, what it was made of, and by what.

    `warnings` say where it means little (`pricing.answer.warnings`); absent where there are none.
    """

    listing_id: str
    event_source: str
    event_id: str
    predicted_price: float
    interval: Interval
    currency: str  # ISO 4217
    model: ModelVersion
    features: Features
    source_position: SourcePosition
    confidence: Confidence | None = None  # the surest fifth of homes like those that the model learnt is A
    shadow: Shadow | None = None
    warnings: tuple[str, ...] = ()


class PredictionEvent(Struct, frozen=True, gc=False):
    """A prediction as a CloudEvent 1.0 (structured JSON, UTF-8); `subject` is the listing's id."""

    specversion: Literal["1.0"]
    id: str
    source: Literal["/pricing/score"]
    type: Literal["listing.priced"]
    subject: str
    time: str
    data: Prediction


_decoder = msgspec.json.Decoder(PredictionEvent)
_encoder = msgspec.json.Encoder()


def prediction_id(event_source: str, event_id: str) -> str:
    """Return the id of every prediction for an event, whatever model makes it: 32 hexadecimal digits.

    BLAKE2b of the source's length in characters, a colon, the source and the event's id.
    """
    identity = _of_source(event_source).copy()
    identity.update(event_id.encode())
    return identity.hexdigest()


@functools.lru_cache(maxsize=1_024)
def _of_source(event_source: str) -> blake2b:
    return blake2b(f"{len(event_source)}:{event_source}".encode(), digest_size=16)


def decode(payload: bytes) -> PredictionEvent:
    """Return the prediction event that a record carries; raises `ValueError` or `RecursionError` for any other."""
    if not payload.isascii():
        payload.decode()  # the decoder skips unknown fields without looking at their encoding
    return _decoder.decode(payload)


encode: Callable[[PredictionEvent], bytes] = _encoder.encode
"""Return the event as it stands on the stream."""
