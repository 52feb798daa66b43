"""Telling others that something drifted: an event a kind and champion, once."""

from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Struct

from lambdas.archive_bucket.sales import FreshFrom
from lambdas.aws.objects import Objects
from lambdas.drift.error_drift import ErrorCheck
from lambdas.drift.listing_drift import DistributionCheck
from lambdas.drift.price_drift import Shift
from lambdas.drift.watch import DriftVerdict, Picked, Window

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef
    from mypy_boto3_s3 import S3Client

SOURCE, DETAIL_TYPE = "belo.monitor", "DriftDetected"
ALARMS = "monitor/alarms"

Kind = Literal["performance", "listings"]
Moved = list[Shift] | list[ErrorCheck] | list[DistributionCheck]


class DriftDetected(Struct, frozen=True, kw_only=True):
    """The detail of the event: what moved, and by how much.

    `id` is the same however often the same drift is seen: one a kind and reign of a champion, and another where prices
    move once more. Kind "performance", which alone says that retraining is worth it, is about prices as a whole, with
    the `Shift` in `moved`, or about their errors, with the `ErrorCheck`s that rang; kind "listings" has the
    `DistributionCheck`s. Of kind "performance", `fresh` is the first sale of the segment that rang, when prices moved
    as well as the alarm can tell, and `after` the last one: a segment is picked for being extreme, so only sales after
    it tell by how much prices moved.
    """

    id: str
    kind: Kind
    champion: str
    promoted_at: datetime
    at: datetime
    window: Window
    summary: str
    moved: Moved
    fresh: FreshFrom | None
    after: FreshFrom | None = None


def resources(archive_bucket: str) -> list[str]:
    """Return how an event names the stack that it is about: another one of the account does not hear it."""
    return [f"arn:aws:s3:::{archive_bucket}"]


def events(verdict: DriftVerdict) -> list[DriftDetected]:
    """Return an event for each kind of drift that the verdict found."""
    found: list[DriftDetected] = []
    errors = [each for each in verdict.errors if each.rang]
    if verdict.performance.rang:
        which, moved = _number(verdict.performance.alarm), [verdict.performance]
        found.append(
            _event(verdict, "performance", _of_prices(verdict.performance), moved, which, verdict.level_rang_by)
        )
    if errors:
        which, words = f" errors{_number(errors[0].alarm)}", "; ".join(map(_of_errors, errors))
        found.append(_event(verdict, "performance", words, errors, which, verdict.errors_rang_by))
    if rang := [each for each in verdict.listings if each.rang]:
        found.append(_event(verdict, "listings", _of_listings(rang), rang))
    return found


def _number(alarm: int) -> str:
    return f" {alarm}" if alarm > 1 else ""


def _event(
    verdict: DriftVerdict, kind: Kind, summary: str, moved: Moved, which: str = "", picked: Picked | None = None
) -> DriftDetected:
    reign = f"{verdict.champion} {verdict.promoted_at.isoformat()} {kind}{which}"
    return DriftDetected(
        id=blake2b(reign.encode(), digest_size=16).hexdigest(),
        kind=kind,
        champion=verdict.champion,
        promoted_at=verdict.promoted_at,
        at=verdict.at,
        window=verdict.window,
        summary=summary,
        moved=moved,
        fresh=picked.fresh if picked else None,
        after=picked.after if picked else None,
    )


def _of_prices(shift: Shift) -> str:
    percent = shift.percent or 0.0
    than = "earlier ones" if shift.against == "earlier sales" else "asking prices should"
    since = (shift.rang_after_sales or 0) - (shift.segment or 0) + 1
    return (
        f"against predictions, sales from the champion's number {since} on go for "
        f"{abs(percent):.1f} % {'more' if percent > 0 else 'less'} than {than}; rang at number {shift.rang_after_sales}"
    )


def _of_errors(check: ErrorCheck) -> str:
    among = f"of the newest {check.segment} sales at number {check.at}"
    if check.test == "coverage":
        return f"{100 * check.value:.0f} % {among} lie outside their intervals, {100 * check.reference:.0f} % should"
    if check.test == "spread":
        return f"errors {among} are {check.value / check.reference:.2f} times as large as earlier ones"
    percent = 100 * (check.value / check.reference - 1)
    return (
        f"{check.place}: homes {among} go for {abs(percent):.0f} % {'more' if percent > 0 else 'less'} than elsewhere"
    )


def _of_listings(rang: list[DistributionCheck]) -> str:
    words = [
        f"{each.name} (PSI {each.value:.2f}, limit {each.limit:.2f})"
        if each.limit is not None
        else f"{each.test} {each.name} ({100 * each.value:.1f} %, usual {100 * each.reference:.1f} %)"
        for each in rang
    ]
    return f"listings changed: {', '.join(words)}"


class Announcer:
    """The event bus, and the archive bucket, which remembers what was announced."""

    def __init__(self, events: "EventBridgeClient", bus: str, s3: "S3Client", bucket: str) -> None:
        self._events = events
        self._bus = bus
        self._archive = Objects(s3, bucket)
        self._bucket = bucket

    def announce(self, event: DriftDetected) -> bool:
        """Put the event on the bus unless that was done before; return whether it was put.

        After a crash between the two writes it is put again, under the same `id`. Raises where the bus refuses.
        """
        key = f"{ALARMS}/{event.id}.json"
        if self._archive.exists(key):
            return False
        detail = msgspec.json.encode(event)
        entry: PutEventsRequestEntryTypeDef = {
            "Source": SOURCE,
            "DetailType": DETAIL_TYPE,
            "Resources": resources(self._bucket),
            "Detail": detail.decode(),
            "EventBusName": self._bus,
            "Time": event.at,
        }
        reply = self._events.put_events(Entries=[entry])
        if reply["FailedEntryCount"]:
            raise NotAnnounced(f"{DETAIL_TYPE} {event.id}: {reply['Entries'][0].get('ErrorMessage')}")
        self._archive.put(key, detail, ContentType="application/json")
        return True


class NotAnnounced(Exception):
    """The event bus did not take an event; the next look tries again."""
