"""Requests for a retraining: an alarm of the monitor, the schedule, or a person; all come as EventBridge events.

Every way of asking passes through one rule (infra/modules/stack/retraining.tf), so that a worker is woken up whoever
asks. An event names the stack that it is about by its archive bucket, among the event's `resources`: another stack of
the account does not hear it.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import uuid4

import msgspec
from msgspec import Meta, Struct

from lambdas.archive_bucket.sales import FreshFrom
from lambdas.drift.events import resources
from terminal.errors import Failure

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

BY_HAND = ("belo.cli", "RetrainingRequested")  # source and detail type
BY_MONITOR = ("belo.monitor", "DriftDetected")
BY_SCHEDULE = ("aws.events", "Scheduled Event")

Kind = Literal["drift", "schedule", "manual"]
Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,100}$")]  # it becomes part of names in S3


class InvalidRequest(ValueError):
    """A message on the queue that asks for nothing that we know; the dead-letter queue will have it."""


class Request(Struct, frozen=True, kw_only=True):
    """What was asked for. `id` is the same however often the same request is delivered.

    `champion` and `promoted_at` name the reign in which a drift was seen. `drift` is the alarm that the request is
    about: its own id, or where the schedule takes up a drift again, that drift's. `fresh` is the first sale at the new
    level, None where nobody says since when prices are new; `after` the last of those that the alarm picked; `level`
    says that prices as a whole moved, not their errors alone.
    """

    id: str
    kind: Kind
    at: datetime
    reason: str
    champion: str | None = None
    promoted_at: datetime | None = None
    drift: str | None = None
    fresh: FreshFrom | None = None
    after: FreshFrom | None = None
    level: bool = False


class _Drift(Struct):
    id: Id
    champion: str
    promoted_at: datetime
    at: datetime
    summary: str
    fresh: FreshFrom | None = None
    after: FreshFrom | None = None
    moved: list[dict[str, Any]] = []


class _ByHand(Struct):
    id: Id
    reason: str


class _Event(Struct, rename={"detail_type": "detail-type"}):
    id: str
    source: str
    detail_type: str
    time: datetime
    detail: msgspec.Raw
    resources: list[str] = []


_decoder = msgspec.json.Decoder(_Event)


def decode(body: str) -> Request:
    """Return the request that a message on the queue carries: the EventBridge event, whole.

    Raises `InvalidRequest`.
    """
    try:
        event = _decoder.decode(body)
        kind = (event.source, event.detail_type)
        if kind == BY_MONITOR:
            return of_alarm(event.detail)
        if kind == BY_HAND:
            asked = msgspec.json.decode(event.detail, type=_ByHand)
            return Request(id=asked.id, kind="manual", at=event.time, reason=asked.reason)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise InvalidRequest(f"not a retraining request: {error}") from error
    if kind == BY_SCHEDULE:  # a repeated delivery has the same time, and perhaps another id
        return Request(
            id=f"schedule-{event.time:%Y%m%dT%H%M%SZ}", kind="schedule", at=event.time, reason="the schedule"
        )
    raise InvalidRequest(f"not a retraining request: {event.detail_type} from {event.source}")


def of_alarm(document: bytes | msgspec.Raw) -> Request:
    """Return the request that an alarm of the monitor makes: the detail of its event, or what the monitor remembers.

    Raises msgspec's `DecodeError` where it is no alarm.
    """
    drift = msgspec.json.decode(document, type=_Drift)
    return Request(
        id=drift.id,
        kind="drift",
        at=drift.at,
        reason=drift.summary,
        champion=drift.champion,
        promoted_at=drift.promoted_at,
        drift=drift.id,
        fresh=drift.fresh,
        after=drift.after,
        level=drift.after is not None and not any("test" in each for each in drift.moved),
    )


def ask(events: "EventBridgeClient", bus: str, archive_bucket: str, reason: str) -> str:
    """Ask a stack for a retraining by hand; return the request's id.

    Raises `Failure` where the bus does not take it.
    """
    asked = _ByHand(id=f"manual-{uuid4()}", reason=reason)
    source, detail_type = BY_HAND
    entry: PutEventsRequestEntryTypeDef = {
        "Source": source,
        "DetailType": detail_type,
        "Resources": resources(archive_bucket),
        "Detail": msgspec.json.encode(asked).decode(),
        "EventBusName": bus,
    }
    reply = events.put_events(Entries=[entry])
    if reply["FailedEntryCount"]:
        raise Failure(f"the event bus did not take the request: {reply['Entries'][0].get('ErrorMessage')}")
    return asked.id
