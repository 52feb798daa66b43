"""The monitor: looks at the champion on a schedule, keeps the verdict, and raises the alarm.

monitor/dt=YYYY-MM-DD/HHMMSS.json    every verdict
monitor/latest.json                  the newest one; a late delivery of an older look leaves it as it is
monitor/alarms/<id>.json             what was announced as `DriftDetected`

A verdict follows from the archive and the time alone. An invocation that is repeated, or cut off anywhere and then
repeated, leaves the same verdict, and an event under the same id. One that finds more old days to index than it has
time for fails (`IndexBehind`), and the next one goes on where it ended.
"""

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import botocore
import msgspec
from botocore.config import Config

from lambdas.archive_bucket.day_index import NEVER
from lambdas.aws.objects import READERS, Objects
from lambdas.aws.session import client
from lambdas.aws.telemetry import emit
from lambdas.drift.events import Announcer, events
from lambdas.drift.watch import EVERY, WINDOW, DriftVerdict, Watch
from lambdas.drift.watched_champion import NothingPromoted
from lambdas.settings import number, required
from lambdas.starting import at_start

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LATEST = "monitor/latest.json"
INDEXING = 2 / 3  # of an invocation's time; the rest is for reading and judging


class _Stands(msgspec.Struct):
    at: datetime


@dataclass(frozen=True, slots=True)
class MonitorSettings:
    """The settings of `monitor`."""

    watch: Watch
    event_bus: str

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "MonitorSettings":
        """Return the settings; raises `MissingSetting` naming the variable."""
        watch = Watch(
            models_bucket=required(environment, "BELO_MODELS_BUCKET"),
            dead_letters_bucket=required(environment, "BELO_DEAD_LETTERS_BUCKET"),
            archive_bucket=required(environment, "BELO_ARCHIVE_BUCKET"),
            window=timedelta(hours=number(environment, "BELO_MONITOR_WINDOW_HOURS", WINDOW / timedelta(hours=1))),
            every=timedelta(minutes=number(environment, "BELO_MONITOR_EVERY_MINUTES", EVERY / timedelta(minutes=1))),
        )
        return cls(watch, environment.get("BELO_EVENT_BUS", "default"))


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's, untyped
    """Look once; what EventBridge's schedule calls, and whoever wants a look now."""
    left = timedelta(milliseconds=context.get_remaining_time_in_millis())
    found = _monitor().run(moment(event), datetime.now(UTC) + INDEXING * left)
    return found | {"sdk": botocore.__version__}


def moment(event: dict[str, Any]) -> datetime:
    """Return when to look: at the schedule's own time, so that a repeated delivery is the same look, else now."""
    scheduled = event.get("time")
    return datetime.fromisoformat(scheduled) if scheduled else datetime.now(UTC)


@functools.cache
def _monitor() -> "Monitor":
    settings = MonitorSettings.read(os.environ)
    retries = Config(connect_timeout=2, read_timeout=20, retries={"total_max_attempts": 3})
    s3 = client("s3", retries.merge(Config(max_pool_connections=READERS)))
    bus = client("events", retries)
    return Monitor(s3, settings.watch, Announcer(bus, settings.event_bus, s3, settings.watch.archive_bucket))


class Monitor:
    """The handler with everything it talks to."""

    def __init__(self, s3: "S3Client", watch: Watch, announcer: Announcer) -> None:
        self._s3 = s3
        self._archive = Objects(s3, watch.archive_bucket)
        self._watch = watch
        self._announcer = announcer

    def run(self, now: datetime, deadline: datetime = NEVER) -> dict[str, Any]:
        """Look, keep the verdict, announce what is new; return what was found, and announced, in brief.

        Before there is a champion it finds nothing, and that is no failure.
        """
        try:
            verdict = self._watch.look(self._s3, now, deadline).verdict
        except NothingPromoted as nothing:
            emit("monitor", {"Champions": 0}, {}, champion=None, nothing=str(nothing))
            return {"champion": None, "drifted": [], "announced": []}
        document = msgspec.json.encode(verdict)
        self._put(f"monitor/dt={now:%Y-%m-%d}/{now:%H%M%S}.json", document)
        self._put_latest(document, now)
        announced = [event.id for event in events(verdict) if self._announcer.announce(event)]
        report(verdict, announced)
        return {"champion": verdict.champion, "drifted": verdict.drifted, "announced": announced}

    def _put_latest(self, document: bytes, now: datetime) -> None:
        while (standing := self._latest()) is None or standing[1] <= now:
            condition = {"IfMatch": standing[0]} if standing else {"IfNoneMatch": "*"}
            if self._put(LATEST, document, **condition):
                return  # else somebody has written it meanwhile

    def _latest(self) -> tuple[str, datetime] | None:
        found = self._archive.get(LATEST)
        return (found[1], msgspec.json.decode(found[0], type=_Stands).at) if found else None

    def _put(self, key: str, body: bytes, **condition: str) -> str | None:
        return self._archive.put(key, body, ContentType="application/json", **condition)


def report(verdict: DriftVerdict, announced: list[str]) -> None:
    """Write the verdict as metrics."""
    together = verdict.figures[:1]
    indices = [each.value / each.limit for each in verdict.listings if each.limit]
    metrics: dict[str, float | None] = {
        "Champions": 1,
        "Drifted": len(verdict.drifted),
        "Sales": verdict.sales.compared + verdict.sales.set_apart,
        "UnreadableSales": verdict.unreadable_sales,
        "UnmatchedSales": verdict.sales.unmatched + verdict.sales.unpriced,
        "SetApartSales": verdict.sales.set_apart,
        "WithdrawnSales": verdict.sales.withdrawn,
        "SalesBeforeReign": verdict.sales.before_reign,
        "LearntSales": verdict.sales.learnt,
        "WindowPredictions": verdict.window.predictions,
        "WindowDeadLetters": verdict.window.dead_letters,
        "WindowParked": verdict.window.parked_batches,
        "WarnedPredictions": 100 * verdict.warned,
        "ExpectedError": 100 * verdict.loss.expected if verdict.loss else None,
        "RealisedError": 100 * verdict.loss.realised if verdict.loss and verdict.loss.realised else None,
        "COD": verdict.ratios.cod if verdict.ratios else None,
        "PRD": verdict.ratios.prd if verdict.ratios else None,
        "PriceShift": verdict.performance.percent,
        "PriceStatistic": verdict.performance.statistic,
        "WorstIndex": max(indices, default=None),  # PSI over its limit
        "MedianError": 100 * together[0].median_ape if together else None,
        "Coverage": 100 * together[0].coverage if together else None,
    }
    emit(
        "monitor",
        {name: value for name, value in metrics.items() if value is not None},
        dict.fromkeys(("PriceShift", "MedianError", "Coverage", "WarnedPredictions"), "Percent"),
        champion=verdict.champion,
        drifted=verdict.drifted,
        announced=announced,
    )


at_start(__name__, _monitor)
