"""The books: every record that went in, against everything that came out."""

import base64
import gzip
import json
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tests.champions import price
from tests.chaos.champions import CHALLENGERS
from tests.chaos.handler import DEAD_LETTERS
from tests.chaos.submissions import Identity, Submission
from tests.chaos.world import Position, World

EDGE = 13.0  # of the bands of a tiny champion's interval: it reaches 0.4 in log price below, 0.3 above
TOLERANCE = 1e-5  # relative; two events of a stream are hardly ever as near to each other

PROGRAMMING_ERRORS = {"NameError", "UnboundLocalError", "TypeError", "AttributeError", "ImportError"}
RAISED = "the handler raised"


@dataclass(slots=True)
class Verdict:
    """`lost` records ended nowhere; `wrong` counts false prices, positions, ids, orders, dead letters and
    parkings; `duplicates` is how many predictions a consumer that drops repeats by id removes."""

    events: int
    lost: int = 0
    wrong: int = 0
    duplicates: int = 0
    parked: int = 0
    problems: list[str] = field(default_factory=list)

    def note(self, kind: str, what: object) -> None:
        """Count a fault in the books, and keep the first few for the reader."""
        setattr(self, kind, getattr(self, kind) + 1)
        if len(self.problems) < 20:
            self.problems.append(f"{kind}: {what}")


@dataclass(frozen=True, slots=True)
class Expectation:
    """What else must hold: which versions may price at all (version to base), whether batches may be
    parked, and by which version events from a time on are priced (seconds since the epoch)."""

    bases: dict[str, float]
    may_park: bool = False
    version_from: tuple[float, str] = (math.inf, "")


def audit(world: World, expected: Expectation) -> Verdict:
    """Balance the books of a world whose mapping has nothing left to do."""
    verdict = Verdict(events=len(world.submitted))
    predicted = _predictions(world, expected, verdict)
    lettered = _dead_letters(world, verdict)
    parked = set(_parked(world))
    for error in {invocation.answer.error for invocation in world.mapping.log} & PROGRAMMING_ERRORS:
        verdict.note("wrong", f"{RAISED} {error}")
    verdict.parked = len(parked)
    if parked and not expected.may_park:
        verdict.note("wrong", f"{len(parked)} records parked without need")
    for position, submission in world.submitted.items():
        settled = lettered if submission.reason else predicted
        if position not in settled and position[:2] not in parked:
            verdict.note("lost", (position, submission))
    _order(world, predicted, parked, verdict)
    return verdict


def _predictions(world: World, expected: Expectation, verdict: Verdict) -> dict[Position, str]:
    """Return the id predicted for each record; note what is wrong with any prediction."""
    found: dict[Position, str] = {}
    ids: dict[Identity, str] = {}
    owners: dict[str, Identity] = {}
    count = 0
    arrivals = {(r.shard_id, r.sequence_number): r.arrived_at for r in world.listings.records()}
    for record in world.predictions.records():
        count += 1
        event = msgspec.json.decode(record.data)
        data, origin = event["data"], event["data"]["source_position"]
        position = (origin["shard_id"], origin["sequence_number"], origin["index"])
        identity = (data["event_source"], data["event_id"])
        submission = world.submitted.get(position)
        if submission is None or submission.identity != identity or data["listing_id"] != submission.partition_key:
            verdict.note("wrong", f"no such record at {position}: {data}")
            continue
        found[position] = event["id"]
        if ids.setdefault(identity, event["id"]) != event["id"] or owners.setdefault(event["id"], identity) != identity:
            verdict.note("wrong", f"id {event['id']} of {identity}")
        if problem := _price_problem(submission, event, expected, arrivals[position[:2]]):
            verdict.note("wrong", f"{problem}: {data}")
    verdict.duplicates = count - len(owners)
    return found


def _price_problem(
    submission: Submission, event: dict[str, Any], expected: Expectation, arrived_at: float
) -> str | None:
    data = event["data"]
    version = data["model"]["version"]
    if version not in expected.bases:
        return f"version {version} must never serve"
    if arrived_at >= expected.version_from[0] and version != expected.version_from[1]:
        return f"version {expected.version_from[1]} should serve"
    right = _price(submission, expected.bases[version])
    low, high = data["interval"]["low"], data["interval"]["high"]
    if not _near(data["predicted_price"], right):
        return f"price: expected {right}"
    if not any(_near(low, right / factor) and _near(high, right * factor) for factor in _factors(right)):
        return f"interval around {right}"
    shadow = data.get("shadow")
    if shadow and not _near(shadow["predicted_price"], _price(submission, CHALLENGERS.get(shadow["version"]))):
        return "a false shadow"
    if event["subject"] != submission.partition_key or data["features"]["area_m2"] != submission.area_m2:
        return "features of another listing"
    return None


def _price(submission: Submission, base: float | None) -> float:
    return math.nan if base is None else price(submission.neighborhood, submission.area_m2, base)


def _near(given: float, right: float) -> bool:
    return math.isclose(given, right, rel_tol=TOLERANCE, abs_tol=0.01)


def _factors(right: float) -> list[float]:
    """By how much the interval may reach from a price: at the edge of a band, the float32 of a model
    decides."""
    distance = math.log(right) - EDGE
    return [math.exp(0.4)] * (distance < TOLERANCE) + [math.exp(0.3)] * (distance > -TOLERANCE)


def _dead_letters(world: World, verdict: Verdict) -> set[Position]:
    found = set()
    for letter in _lines(world):
        position = (letter["shard_id"], letter["sequence_number"], letter["index"])
        submission = world.submitted.get(position)
        if submission is None or submission.reason is None:
            verdict.note("wrong", f"a good record is dead: {letter}")
        elif letter["reason"] != submission.reason or base64.b64decode(letter["payload"]) != submission.payload:
            verdict.note("wrong", f"dead letter of {submission}: {letter}")
        else:
            found.add(position)
    return found


def _lines(world: World) -> Iterator[dict[str, Any]]:
    for key in world.s3.keys(DEAD_LETTERS, "dead-letters/"):
        for line in gzip.decompress(world.s3.objects[DEAD_LETTERS, key].body).splitlines():
            yield msgspec.json.decode(line)


def _parked(world: World) -> Iterator[tuple[str, str]]:
    for key in world.s3.keys(DEAD_LETTERS, "aws/lambda/"):
        payload = json.loads(json.loads(world.s3.objects[DEAD_LETTERS, key].body)["payload"])
        for record in payload["Records"]:
            yield record["eventID"].partition(":")[0], record["kinesis"]["sequenceNumber"]


def _order(world: World, predicted: dict[Position, str], parked: set[tuple[str, str]], verdict: Verdict) -> None:
    """A consumer that sorts by position and drops repeats sees each listing's events in the order of
    submission."""
    submitted: dict[str, list[object]] = defaultdict(list)
    restored: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    names: dict[str, Identity | None] = {}
    for position, submission in world.submitted.items():
        if submission.identity and position[:2] not in parked:
            submitted[submission.partition_key].append(submission.identity)
    for position, name in predicted.items():
        submission = world.submitted[position]
        names[name] = submission.identity
        if position[:2] not in parked:
            restored[submission.partition_key].append((int(position[1]), position[2], name))
    for listing, events in submitted.items():
        seen = [names[name] for _, _, name in sorted(restored[listing])]
        if _once(seen) != _once(events):
            verdict.note("wrong", f"order of {listing}: {seen}, submitted {events}")


def _once(events: list[Any]) -> list[Any]:
    return list(dict.fromkeys(events))
