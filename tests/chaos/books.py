"""The books: every record that went in, against everything that came out."""

import gzip
import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from pricing.prediction import decode
from stream_consumer.consumer import Arrived
from stream_consumer.printing.newest import Newest
from tests.chaos.documents import Expectation, Origin, wrong_in_key, wrong_in_letter, wrong_in_prediction
from tests.chaos.handler import DEAD_LETTERS
from tests.chaos.submissions import Identity
from tests.chaos.world import Position, World
from tests.simulator.stream import Record

__all__ = ["RAISED", "Expectation", "Verdict", "audit"]

PROGRAMMING_ERRORS = {"NameError", "UnboundLocalError", "TypeError", "AttributeError", "ImportError"}
RAISED = "the handler raised"
TIMED_OUT = "Sandbox.Timedout"
HELD_UP = {"at the start": 12.0, "later": 3.0}  # seconds that models may hold up an invocation
UNREADABLE = (LookupError, TypeError, ValueError, AttributeError)  # what reading another document than ours raises

Records = Mapping[tuple[str, str], Record]


@dataclass(slots=True)
class Verdict:
    """`lost` records ended nowhere; `wrong` counts false prices, positions, ids, orders, dead letters, parkings,
    invocations and hold-ups; `concealed` are records that a reader missed without being told of a gap; `duplicates` is
    how many predictions a consumer that drops repeats by id removes."""

    events: int
    lost: int = 0
    wrong: int = 0
    concealed: int = 0
    duplicates: int = 0
    parked: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def failures(self) -> int:
        """Return what must be 0."""
        return self.lost + self.wrong + self.concealed

    def note(self, kind: str, what: object) -> None:
        """Count a fault in the books, and keep the first few for the reader."""
        setattr(self, kind, getattr(self, kind) + 1)
        if len(self.problems) < 20:
            self.problems.append(f"{kind}: {what}")


def audit(world: World, expected: Expectation) -> Verdict:
    """Balance the books of a world whose mapping has nothing left to do."""
    verdict = Verdict(events=len(world.submitted))
    records = {(each.shard_id, each.sequence_number): each for each in world.listings.records()}
    predicted = _predictions(world, records, expected, verdict)
    lettered = _dead_letters(world, records, verdict)
    parked = set(_parked(world))
    _invocations(world, verdict)
    _hold_ups(world, verdict)
    verdict.parked = len(parked)
    if parked and not expected.may_park:
        verdict.note("wrong", f"{len(parked)} records parked without need")
    for position, submission in world.submitted.items():
        settled = lettered if submission.reason else predicted
        if position not in settled and position[:2] not in parked:
            verdict.note("lost", (position, submission))
    _latest(world, predicted, verdict)
    return verdict


def _predictions(world: World, records: Records, expected: Expectation, verdict: Verdict) -> dict[Position, str]:
    """Return the id predicted for each record; note what is wrong with any prediction."""
    found: dict[Position, str] = {}
    ids: dict[Identity, str] = {}
    owners: dict[str, Identity] = {}
    stored = world.predictions.records()
    for record in stored:
        event = msgspec.json.decode(record.data)
        try:
            position, origin, identity = _origin(world, records, event["data"]["source_position"])
            data, name = event["data"], event["id"]
            if identity is None or identity != (data["event_source"], data["event_id"]):
                verdict.note("wrong", f"no such event at {position}: {data}")
                continue
            found[position] = name
            if ids.setdefault(identity, name) != name or owners.setdefault(name, identity) != identity:
                verdict.note("wrong", f"id {name} of {identity}")
            elif origin.submission.reason:
                verdict.note("wrong", f"a price for what is {origin.submission.reason}: {data}")
            elif record.partition_key != origin.submission.listing_id:
                verdict.note("wrong", f"partition key {record.partition_key} of {data}")
            elif problem := wrong_in_prediction(event, origin, expected, world.began):
                verdict.note("wrong", f"{problem}: {data}")
        except UNREADABLE as error:
            verdict.note("wrong", f"{type(error).__name__} {error}: no prediction: {event}")
    verdict.duplicates = len(stored) - len(owners)
    return found


def _origin(world: World, records: Records, said: Mapping[str, Any]) -> tuple[Position, Origin, Identity | None]:
    """Return the position that a document says it comes from; raises `KeyError` where nothing stood."""
    position = (said["shard_id"], said["sequence_number"], said["index"])
    submission = world.submitted[position]
    return position, Origin(records[position[:2]], said["index"], submission), submission.identity


def _dead_letters(world: World, records: Records, verdict: Verdict) -> set[Position]:
    found = set()
    for key in world.s3.keys(DEAD_LETTERS, "dead-letters/"):
        sources = []
        for line in gzip.decompress(world.s3.objects[DEAD_LETTERS, key].body).splitlines():
            letter = msgspec.json.decode(line)
            try:
                position, origin, _ = _origin(world, records, letter)
                sources.append(origin.record)
                if problem := wrong_in_letter(letter, origin):
                    verdict.note("wrong", f"{problem}: {letter}")
                else:
                    found.add(position)
            except UNREADABLE as error:
                verdict.note("wrong", f"{type(error).__name__} {error}: no dead letter: {letter}")
        if problem := wrong_in_key(key, sources, records):
            verdict.note("wrong", f"{key}: {problem}")
    return found


def _parked(world: World) -> Iterator[tuple[str, str]]:
    for key in world.s3.keys(DEAD_LETTERS, "aws/lambda/"):
        payload = json.loads(json.loads(world.s3.objects[DEAD_LETTERS, key].body)["payload"])
        for record in payload["Records"]:
            yield record["eventID"].partition(":")[0], record["kinesis"]["sequenceNumber"]


def _invocations(world: World, verdict: Verdict) -> None:
    """No invocation runs into its time-out, or fails, more often than faults struck that excuse it.

    A time-out is excused where the invocation itself was held up, or a call of a client that waits for ever; a
    failure where it crashed, was thrown off, or could not write its dead letters. A batch without any champion
    fails, too. A model that cannot be read excuses nothing, nor do refusals of the output stream.
    """
    kinesis, s3, function = world.kinesis, world.s3, world.function
    stalls = function.injected["Stall"]
    if world.shape.patient:
        stalls += kinesis.injected["Stall"] + s3.injected["Stall"]
    excuses = function.injected.total() + kinesis.injected["Crash"] + s3.injected["Crash"] + s3.struck["PutObject"]
    errors = Counter(each.answer.error for each in world.mapping.log if each.answer.error)
    failures = errors.total() - errors[TIMED_OUT] - errors["NoChampion"]
    if errors[TIMED_OUT] > stalls:
        verdict.note("wrong", f"{errors[TIMED_OUT]} invocations ran out of time, {stalls} were held up")
    if failures > excuses:
        verdict.note("wrong", f"{failures} invocations failed, {excuses} with reason: {errors}")
    for error in errors.keys() & PROGRAMMING_ERRORS:
        verdict.note("wrong", f"{RAISED} {error}")


def _hold_ups(world: World, verdict: Verdict) -> None:
    """Models hold nobody up for longer than they may, and a challenger that was given up is left alone."""
    for when, most in HELD_UP.items():
        if world.held_up[when] > most:
            verdict.note(
                "wrong", f"models held up an invocation for {world.held_up[when]:.1f} s {when}, at most {most}"
            )
    if again := world.threads.asked_again["predict"]:
        verdict.note("wrong", f"challengers that had been given up were asked {again} times")


def _latest(world: World, predicted: Collection[Position], verdict: Verdict) -> None:
    """`belo consume --latest-per-listing` ends with the last of each listing's events."""
    newest = Newest()
    for record in world.predictions.records():
        with suppress(*UNREADABLE):  # noted already
            newest.offer([_arrived(record)])
    shown = {each.event.data.listing_id: each.event.data.source_position for each in newest.all()}
    last = {event.listing_id: position for position, event in world.submitted.items() if position in predicted}
    for listing, position in last.items():
        found = shown.get(listing)
        if found is None or (found.shard_id, found.sequence_number, found.index) != position:
            verdict.note("wrong", f"the latest of {listing}: {found}, submitted {position}")


def _arrived(record: Record) -> Arrived:
    at = datetime.fromtimestamp(record.arrived_at, UTC)
    return Arrived(decode(record.data), record.data, at, record.shard_id, record.sequence_number)
