"""A market's years, week by week: listings are priced, sales reported, the monitor looks, the schedule comes round."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import numpy as np

from lambdas.archive_bucket.prediction_rows import ArchivedPrediction
from lambdas.archive_bucket.reader import Archive
from lambdas.archive_bucket.sales import REPORTED_AT, Sale, encode, key
from lambdas.drift.events import Announcer
from lambdas.drift.watch import Watch
from lambdas.monitor import Monitor
from pricing.learnt_homes import LearntHomes
from pricing.listing import Features
from pricing.manifest import CHAMPION_KEY, Pointer, homes_key, manifest_key, model_key
from pricing.model import Model, load
from tests.champions import champion
from tests.loop.markets import BASE, LAST, Home, Scenario, homes, probes, worth
from tests.market import MARKET
from tests.simulator.clock import SimulatedClock
from tests.simulator.s3 import FakeS3, Object
from tests.training.registry.registry_in_memory import RegistryInMemory
from training.data.frames import to_frame
from training.export.reference import reference
from training.params import read_params
from training.registry.models_bucket import ModelsBucket
from training.retraining.journal import Journal
from training.retraining.promoter import Promoter
from training.retraining.records import Record
from training.retraining.requests import Request, of_alarm
from training.retraining.retrain import Retraining
from training.sales_contest.challengers import challengers

MODELS, ARCHIVE, DEAD_LETTERS = "models", "archive", "dead-letters"
DAY_ONE = datetime(2024, 1, 1, tzinfo=UTC)
WEEK = 7
PROBES = probes()


class VersionedS3(FakeS3):
    """With the versions of every object, as a bucket with versioning keeps them."""

    def __init__(self, clock: SimulatedClock) -> None:
        super().__init__(clock, latency=0.0)
        self.versions: list[tuple[str, str, Object]] = []

    def store(self, bucket: str, name: str, body: bytes, metadata: Any = None) -> str:
        etag = super().store(bucket, name, body, metadata)
        self.versions.append((bucket, name, self.objects[bucket, name]))
        return etag

    def get_paginator(self, operation: str) -> Any:
        return self if operation == "list_objects_v2" else _Versions(self)

    def get_object(self, *, VersionId: str = "", **which: Any) -> Any:  # noqa: N803
        if VersionId:
            return {"Body": _Body(self.versions[int(VersionId)][2].body)}
        return super().get_object(**which)


@dataclass
class _Body:
    content: bytes

    def read(self) -> bytes:
        return self.content


@dataclass
class _Versions:
    s3: VersionedS3

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[Any]:  # noqa: N803
        found = [(n, each) for n, each in enumerate(self.s3.versions) if each[:2] == (Bucket, Prefix)]
        yield {"Versions": [{"Key": name, "VersionId": f"{n}"} for n, (_, name, _) in reversed(found)]}


class Bus:
    """An event bus whose events are taken from it."""

    def __init__(self) -> None:
        self.details: list[bytes] = []

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.details += [entry["Detail"].encode() for entry in Entries]
        return {"FailedEntryCount": 0, "Entries": [{}]}


@dataclass
class Course:
    """What became of a market: an entry a week, every promotion, every alarm."""

    market: str
    seed: int
    errors: list[tuple[int, int, float, float, float]] = field(default_factory=list)  # day, sales, error, least, cover
    promotions: list[tuple[int, float, float]] = field(
        default_factory=list
    )  # day, factor on the error, level off since
    alarms: list[tuple[int, int, list[str]]] = field(default_factory=list)  # day, sales, what rang
    listing_alarms: int = 0
    awaiting: int = 0  # winners that a person has to decide about
    set_apart: int = 0
    moved: float = 1.0  # the largest factor on prices against the first champion's

    @property
    def harm(self) -> float:
        """Return the largest rise of the error that a promotion caused, a fraction."""
        return max((factor - 1 for _, factor, _ in self.promotions), default=0.0)


class State(NamedTuple):
    """What serves: its median error, the least possible one, its coverage, and by how much its level is off (log)."""

    error: float
    least: float
    covered: float
    off: float


class Years:
    """One market with the real monitor and the real retraining around it, S3 and the registry in memory."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.scenario, self.seed = scenario, seed
        self._draw = np.random.default_rng(seed + 1)
        self._clock = SimulatedClock(DAY_ONE.timestamp())
        self.s3 = VersionedS3(self._clock)
        self._bus = Bus()
        watch = Watch(MODELS, DEAD_LETTERS, ARCHIVE, every=timedelta(days=WEEK))
        self._monitor = Monitor(self.s3, watch, Announcer(self._bus, "default", self.s3, ARCHIVE))
        self._serving: tuple[str, Model] | None = None
        self.course = Course(scenario.name, seed)
        self._sales = 0
        self._promoted = False
        self._crown()
        bucket, registry = ModelsBucket(self.s3, MODELS), RegistryInMemory()
        self._retraining = Retraining(
            journal=Journal(self.s3, ARCHIVE),
            archive=Archive(self.s3, ARCHIVE, clock=self._now),
            bucket=bucket,
            registry=registry,
            promoter=Promoter(bucket, registry, self._now),
            listings=lambda _: None,
            train=challengers,
            params=read_params(),
            policy="auto",
            announce=lambda _: None,
            keep_model=lambda *_: None,
            clock=self._now,
        )

    def run(self) -> Course:
        """Let the years pass."""
        market = list(homes(self.scenario, self.seed))
        for week in range(-150 // WEEK, LAST // WEEK):
            first, last = WEEK * week, WEEK * (week + 1)
            self._archive([each for each in market if first <= each.listed < last], last)
            self._sell([each for each in market if first <= each.sold < last], last)
            if week >= 0:
                self._look(last)
        return self.course

    def _now(self) -> datetime:
        return self._clock.now()

    def _crown(self) -> None:
        """Let version 1, which is right, serve since half a year ago."""
        frame = to_frame([each.features for each in PROBES], MARKET).assign(price=400_000.0)
        about = reference(frame, worth(PROBES), np.array([each.noise for each in PROBES]))
        wide = float(np.quantile(np.abs([each.noise for each in PROBES]), 0.9))
        offsets = {"coverage": 0.9, "edges": [13.5], "low": [-wide, -wide], "high": [wide, wide]}
        made = champion("1", base=BASE, reference=about, interval=offsets)
        promoted_at = DAY_ONE - timedelta(days=180)
        pointer = msgspec.structs.replace(
            msgspec.json.decode(made.pointer, type=Pointer), promoted_at=promoted_at.isoformat()
        )
        learnt = LearntHomes.of(["a street that nobody sells in"], [50.0])
        for name, body in (
            (model_key("1"), made.model),
            (manifest_key("1"), made.manifest),
            (homes_key("1"), learnt.encode()),
            (CHAMPION_KEY, msgspec.json.encode(pointer)),
        ):
            self.s3.put_object(Bucket=MODELS, Key=name, Body=body)

    def _model(self) -> tuple[str, Model]:
        version = json.loads(self.s3.get_object(Bucket=MODELS, Key=CHAMPION_KEY)["Body"].read())["version"]
        if self._serving is None or self._serving[0] != version:
            files = (self.s3.get_object(Bucket=MODELS, Key=name(version)) for name in (model_key, manifest_key))
            self._serving = (version, load(*(each["Body"].read() for each in files)))
        return self._serving

    def _archive(self, listed: list[Home], day: int) -> None:
        version, model = self._model()
        priced = model.predict([each.features for each in listed])
        at = DAY_ONE + timedelta(days=day - 1)
        rows = [
            ArchivedPrediction(
                id=f"{each.listing_id}-{event}",
                time=at.isoformat(),
                arrived_at=at + timedelta(minutes=event),
                listing_id=each.listing_id,
                event_source="/market",
                event_id=f"{each.listing_id}-{event}",
                predicted_price=float(priced.price[n]),
                low=float(priced.low[n]),
                high=float(priced.high[n]),
                coverage=0.9,
                model_version=version,
                shadow_version=None,
                shadow_price=None,
                **{name: getattr(each.features, name) for name in Features.__struct_fields__},
            )
            for n, each in enumerate(listed)
            for event in range(self.scenario.events)
        ]
        body = gzip.compress(msgspec.json.Encoder().encode_lines(rows), 1)
        self.s3.put_object(Bucket=ARCHIVE, Key=f"predictions/dt={at:%Y-%m-%d}/shard-{day:05}.ndjson.gz", Body=body)

    def _paid(self, sold: list[Home], day: float, draw: np.random.Generator) -> Any:
        noise = np.array([each.noise for each in sold])
        places = np.array([each.features.neighborhood for each in sold])
        return worth(sold) + self.scenario.paid(day, noise, places, draw)

    def _sell(self, sold: list[Home], day: int) -> None:
        if not sold:
            return
        self._sales += len(sold)
        prices = self.scenario.reported(day, np.exp(self._paid(sold, day, self._draw)), self._draw)
        at = DAY_ONE + timedelta(days=day) - timedelta(minutes=1)
        sales = [
            Sale(each.listing_id, float(max(price, 1.0)), (DAY_ONE + timedelta(days=each.sold)).isoformat())
            for each, price in zip(sold, prices, strict=True)
        ]
        body = encode(sales)
        self.s3.put_object(Bucket=ARCHIVE, Key=key(body, at), Body=body, Metadata={REPORTED_AT: at.isoformat()})

    def _look(self, day: int) -> None:
        self._clock.sleep((DAY_ONE + timedelta(days=day) - self._clock.now()).total_seconds())
        before = self._error(day)
        self._monitor.run(self._now())
        self.course.set_apart = max(self.course.set_apart, self._set_apart())
        for detail in self._bus.details:
            found = json.loads(detail)
            if found["kind"] == "performance":
                self.course.alarms.append((day, self._sales, [each.get("test", "level") for each in found["moved"]]))
            else:
                self.course.listing_alarms += 1
            self._carry_out(of_alarm(detail))
        self._bus.details.clear()
        name = f"schedule-{day}"
        if asked := self._retraining.resolve(Request(id=name, kind="schedule", at=self._now(), reason="the schedule")):
            self._carry_out(asked)
        now = self._error(day)
        if self._promoted:
            self.course.promotions.append((day, now.error / before.error, now.off))
            self._promoted = False
        self.course.errors.append((day, self._sales, now.error, now.least, now.covered))

    def _carry_out(self, request: Request) -> Record:
        record = self._retraining.run(request)
        self._promoted |= record.outcome == "promoted"
        self.course.awaiting += record.outcome == "awaiting a person"
        return record

    def _set_apart(self) -> int:
        latest = json.loads(self.s3.get_object(Bucket=ARCHIVE, Key="monitor/latest.json")["Body"].read())
        return int(latest["sales"]["set_apart"])

    def _error(self, day: int) -> State:
        _, model = self._model()
        paid = self._paid(PROBES, day, np.random.default_rng(2))
        priced = model.predict([each.features for each in PROBES])
        factor = np.exp(np.median(np.log(priced.price) - worth(PROBES)))
        self.course.moved = max(self.course.moved, float(factor), float(1 / factor))
        places = np.array([each.features.neighborhood for each in PROBES])
        known = worth(PROBES) + (self.scenario.known or self.scenario.paid)(day, np.zeros(len(PROBES)), places, _NONE)
        inside = (paid >= np.log(priced.low)) & (paid <= np.log(priced.high))
        return State(
            error=float(np.median(np.abs(priced.price / np.exp(paid) - 1))),
            least=float(np.median(np.abs(np.expm1(known - paid)))),
            covered=float(inside.mean()),
            off=float(np.median(np.log(priced.price) - known)),
        )


_NONE = np.random.default_rng(2)


def run(scenario: Scenario, seed: int) -> Course:
    """Return the course of a market."""
    return Years(scenario, seed).run()
