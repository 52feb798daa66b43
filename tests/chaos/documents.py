"""What a prediction and a dead letter must say, field by field, as the design fixes them."""

import base64
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pricing.manifest import MODEL_NAME
from tests.champions import expected_error, price
from tests.chaos.champions import CHALLENGERS, SILENT, Served
from tests.chaos.submissions import Submission
from tests.simulator.stream import Record

EDGE = 13.0  # of the bands of a tiny champion's interval: it reaches 0.4 in log price below, 0.3 above
CLASSES = (0.1, 0.2, 0.3, 0.4)  # of expected errors, where classes of confidence meet
TOLERANCE = 1e-5  # relative; two events of a stream are hardly ever as near to each other
MILLISECOND = timedelta(milliseconds=1)
LETTERS_KEY = re.compile(r"dead-letters/dt=(\d{4}-\d\d-\d\d)/(shardId-\d{12})-(\d+)\.ndjson\.gz")

Document = Mapping[str, Any]
Since = tuple[float, str]  # by which version events are priced that arrive from a time on (seconds since the epoch)
NEVER: Since = (math.inf, "")


@dataclass(frozen=True, slots=True)
class Expectation:
    """What else must hold: which versions may price at all, whether batches may be parked, and which champion and
    challenger price in the end."""

    served: Mapping[str, Served]
    may_park: bool = False
    version_from: Since = NEVER
    shadow_from: Since = NEVER


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a document comes from: the record, the index in it, and what was submitted there."""

    record: Record
    index: int
    submission: Submission

    @property
    def position(self) -> dict[str, object]:
        """The position as documents give it."""
        record = self.record
        return {"shard_id": record.shard_id, "sequence_number": record.sequence_number, "index": self.index}


def wrong_in_prediction(event: Document, origin: Origin, expected: Expectation, began: datetime) -> str | None:
    """Return what is wrong with a prediction that was made since `began`, or None."""
    data = event["data"]
    version = data["model"]["version"]
    if version not in expected.served:
        return f"version {version} must never serve"
    since, last = expected.version_from
    if origin.record.arrived_at >= since and version != last:
        return f"version {last} should serve"
    if not began - MILLISECOND <= _instant(event["time"]) <= datetime.now(UTC):
        return f"time {event['time']}"
    served = expected.served[version]
    return (
        _wrong_numbers(data, _price(origin.submission, served.base), _factors(origin.submission, served))
        or _wrong_confidence(data.get("confidence"), origin.submission, served)
        or _wrong_shadow(data.get("shadow"), origin, expected.shadow_from)
        or _difference(event, _prediction(event, origin, served))
    )


def _wrong_numbers(data: Document, right: float, factors: list[float]) -> str | None:
    low, high = data["interval"]["low"], data["interval"]["high"]
    if not _near(data["predicted_price"], right):
        return f"price: expected {right}"
    if not any(_near(low, right / factor) and _near(high, right * factor) for factor in factors):
        return f"interval around {right}"
    return None


def _wrong_confidence(given: str | None, submission: Submission, served: Served) -> str | None:
    if not served.says_how_sure:
        return None if given is None else f"confidence {given} of a version that does not say"
    error = expected_error(submission.features["area_m2"])
    right = {"ABCDE"[sum(error + step > edge for edge in CLASSES)] for step in (-TOLERANCE, TOLERANCE)}
    return None if given in right else f"confidence {given}: expected {' or '.join(sorted(right))}"


def _wrong_shadow(shadow: Document | None, origin: Origin, shadow_from: Since) -> str | None:
    neighborhood = origin.submission.features["neighborhood"]
    since, last = shadow_from
    if shadow is None:
        due = origin.record.arrived_at >= since and SILENT.get(last) != neighborhood
        return f"a shadow of {last} is missing" if due else None
    version = shadow["version"]
    if origin.record.arrived_at >= since and version != last:
        return f"a shadow of {version}, expected {last}"
    if SILENT.get(version) == neighborhood or not _near(
        shadow["predicted_price"], _price(origin.submission, CHALLENGERS.get(version, math.nan))
    ):
        return "a false shadow"
    return None


def _prediction(event: Document, origin: Origin, served: Served) -> Document:
    """The whole prediction, with the numbers and the shadow that were found."""
    submission, data = origin.submission, event["data"]
    source, event_id = submission.identity or ("", "")
    said = {
        "listing_id": submission.listing_id,
        "event_source": source,
        "event_id": event_id,
        "predicted_price": data["predicted_price"],
        "interval": data["interval"] | {"coverage": served.coverage},
        "currency": "BRL",
        "model": {"name": MODEL_NAME, "version": data["model"]["version"]},
        "features": submission.features,
        "source_position": origin.position,
    }
    said |= {name: data[name] for name in ("confidence", "shadow") if name in data}
    return {
        "specversion": "1.0",
        "id": event["id"],
        "source": "/pricing/score",
        "type": "listing.priced",
        "subject": submission.listing_id,
        "time": event["time"],
        "data": said,
    }


def wrong_in_letter(letter: Document, origin: Origin) -> str | None:
    """Return what is wrong with a dead letter, or None."""
    submission = origin.submission
    if submission.reason is None:
        return "a good record is dead"
    if not letter["error"] or not all(clue in letter["error"] for clue in submission.clues):
        return f"the error does not tell {submission.clues}"
    if abs(_instant(letter["arrived_at"]).timestamp() - origin.record.arrived_at) > 0.001:
        return f"arrived_at: expected {origin.record.arrived_at}"
    right = origin.position | {
        "reason": submission.reason,
        "error": letter["error"],
        "payload": base64.b64encode(submission.payload).decode(),
        "partition_key": submission.partition_key,
        "arrived_at": letter["arrived_at"],
    }
    return _difference(letter, right)


def wrong_in_key(key: str, letters: list[Record], records: Mapping[tuple[str, str], Record]) -> str | None:
    """Return what is wrong with the key of an object that holds dead letters of these records, or None."""
    parts = LETTERS_KEY.fullmatch(key)
    first = records.get((parts[2], parts[3])) if parts else None
    if parts is None or first is None:
        return "no such record"
    if parts[1] != f"{datetime.fromtimestamp(first.arrived_at, UTC):%Y-%m-%d}":
        return f"its first record arrived at {first.arrived_at}"
    if any(record.shard_id != first.shard_id or record.position < first.position for record in letters):
        return "dead letters of another batch"
    return None


def _difference(found: Document, right: Document) -> str | None:
    if found == right:
        return None
    names = sorted(name for name in found.keys() | right.keys() if found.get(name) != right.get(name))
    return f"expected { ({name: right.get(name) for name in names}) }"


def _instant(text: str) -> datetime:
    """Return a time that is given in UTC; raises `ValueError` for any other."""
    instant = datetime.fromisoformat(text)
    if instant.utcoffset() != timedelta(0):
        raise ValueError(f"{text} is not UTC")
    return instant


def _price(submission: Submission, base: float) -> float:
    return price(submission.features["neighborhood"], submission.features["area_m2"], base)


def _near(given: float, right: float) -> bool:
    return math.isclose(given, right, rel_tol=TOLERANCE, abs_tol=0.01)


def _factors(submission: Submission, served: Served) -> list[float]:
    """By how much the interval may reach from a price: at the edge of a band, the float32 of a model decides."""
    if served.says_how_sure:
        return [math.exp(2 * expected_error(submission.features["area_m2"]))]
    distance = math.log(_price(submission, served.base)) - EDGE
    return [math.exp(0.4)] * (distance < TOLERANCE) + [math.exp(0.3)] * (distance > -TOLERANCE)
