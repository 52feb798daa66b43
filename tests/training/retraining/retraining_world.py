"""A small market around the real retraining code: S3 and SQS in memory, a registry in memory, tiny champions."""

import gzip
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np

from lambdas.archive_bucket.prediction_rows import ArchivedPrediction
from lambdas.archive_bucket.reader import Archive
from lambdas.archive_bucket.sales import REPORTED_AT
from pricing.manifest import CHAMPION_KEY, Pointer, manifest_key, model_key
from pricing.model import load
from tests.champions import NEIGHBORHOODS, champion
from tests.market import MARKET
from tests.training.registry.registry_in_memory import RegistryInMemory
from training.data.frames import to_frame
from training.export.reference import reference
from training.params import read_params
from training.registry.models_bucket import ModelsBucket
from training.retraining.journal import Journal
from training.retraining.promoter import Promoter
from training.retraining.records import Record
from training.retraining.retrain import Policy, Retraining
from training.retraining.worker import Worker
from training.sales_contest.challengers import challengers
from training.sales_contest.sales import Sales

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BASE = 9.5
SPREAD = 0.2


@dataclass
class Market:
    """Listings that the champion priced and that were sold, lot by lot."""

    s3: Any
    archive: str
    draw: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))
    reported: list[datetime] = field(default_factory=list)  # of each home, L-0 first
    at: datetime = NOW - timedelta(days=60)

    def sell(
        self,
        count: int,
        rise: float = 1.0,
        *,
        at: datetime | None = None,
        version: str = "1",
        shadow: tuple[str, float] | None = None,
        outside: bool = False,
    ) -> None:
        """Price new homes under a version, and sell them for `rise` times what they were worth.

        A lot is one report, made `at` that time, else after the lot before it; its homes were priced the day before.
        `shadow` is a challenger's version, and by what it multiplies the champion's prices. Homes `outside` the
        population are dearer than any of it.
        """
        self.at = at or self.at + timedelta(hours=count)
        names = self.draw.choice(list(NEIGHBORHOODS), count)
        areas = np.exp(self.draw.normal(4.6, 0.25, count)).clip(40, 200).round(1)
        said = np.exp(BASE + 0.9 * np.log(areas) + np.array([NEIGHBORHOODS[name] for name in names]))
        prices = np.full(count, 9e6) if outside else said * rise * np.exp(self.draw.normal(0, SPREAD, count))
        numbers = range(len(self.reported), len(self.reported) + count)
        self.reported += [self.at] * count
        priced = self.at - timedelta(days=1)
        rows = [
            _prediction(f"L-{n}", name, area, price, priced, version, shadow)
            for n, name, area, price in zip(numbers, names, areas.tolist(), said.tolist(), strict=True)
        ]
        lines = gzip.compress(b"\n".join(map(msgspec.json.encode, rows)))
        name = f"{len(self.reported):06}"
        key = f"predictions/dt={priced:%Y-%m-%d}/s-{name}.ndjson.gz"
        self.s3.put_object(Bucket=self.archive, Key=key, Body=lines)
        self.report({f"L-{n}": price for n, price in zip(numbers, prices.tolist(), strict=True)}, self.at, name)

    def report(self, prices: dict[str, float], at: datetime, name: str) -> None:
        """Report sales at a price each, closed one after the other, the day before."""
        first = at - timedelta(days=1)
        sales = [
            {"listing_id": each, "sale_price": price, "sold_at": (first + timedelta(seconds=int(each[2:]))).isoformat()}
            for each, price in prices.items()
        ]
        self.s3.put_object(
            Bucket=self.archive,
            Key=f"sales/dt={at:%Y-%m-%d}/{name}.ndjson",
            Body="\n".join(map(json.dumps, sales)),
            Metadata={REPORTED_AT: at.isoformat()},
        )


def _prediction(listing_id, name, area, price, at, version, shadow) -> ArchivedPrediction:
    nothing = dict.fromkeys(("street", "rooms", "garage_places", "adm_fees", "latitude", "longitude"))
    return ArchivedPrediction(
        id=listing_id.rjust(32, "0"),
        time=at.isoformat(),
        arrived_at=at,
        listing_id=listing_id,
        event_source="/test",
        event_id=listing_id,
        predicted_price=round(price, 2),
        low=price * 0.7,
        high=price * 1.4,
        coverage=0.9,
        model_version=version,
        neighborhood=str(name),
        area_m2=area,
        shadow_version=shadow[0] if shadow else None,
        shadow_price=price * shadow[1] if shadow else None,
        **nothing,
    )


@dataclass
class World:
    """The retraining with all that it talks to; `announced` are the records that were announced."""

    s3: Any
    sqs: Any
    number: int  # each world has buckets and a queue of its own
    policy: Policy = "auto"
    registry: Any = field(default_factory=RegistryInMemory)
    announced: list[Record] = field(default_factory=list)
    at: datetime = NOW
    trained: int = 0
    train: Any = None  # instead of the real one
    lease: timedelta = timedelta(seconds=300)

    def __post_init__(self) -> None:
        self.models, self.archive = f"models-{self.number}", f"archive-{self.number}"
        for bucket in (self.models, self.archive):
            self.s3.create_bucket(Bucket=bucket)
        self.s3.put_bucket_versioning(Bucket=self.models, VersioningConfiguration={"Status": "Enabled"})
        self.market = Market(self.s3, self.archive)
        self.url = self.sqs.create_queue(QueueName=f"requests-{self.number}", Attributes={"VisibilityTimeout": "0"})[
            "QueueUrl"
        ]

    def crown(self) -> None:
        """Put version 1 into the bucket, with everything that a real manifest has, and point to it."""
        frame = to_frame([row.features for row in load(*_files(champion("1", base=BASE))).manifest.golden] * 40, MARKET)
        frame["price"] = 400_000.0
        about = reference(frame, np.full(len(frame), 13.0), np.linspace(-0.3, 0.3, len(frame)))
        offsets = {"coverage": 0.9, "edges": [13.5], "low": [-0.33, -0.33], "high": [0.33, 0.33]}
        tiny = champion("1", base=BASE, reference=about, interval=offsets)
        for key, body in ((model_key("1"), tiny.model), (manifest_key("1"), tiny.manifest)):
            self.s3.put_object(Bucket=self.models, Key=key, Body=body)
        pointer = msgspec.json.decode(tiny.pointer, type=Pointer)
        pointer = msgspec.structs.replace(pointer, promoted_at=(NOW - timedelta(days=200)).isoformat())
        self.s3.put_object(Bucket=self.models, Key=CHAMPION_KEY, Body=msgspec.json.encode(pointer))

    def retraining(self, s3: Any | None = None, registry: Any | None = None) -> Retraining:
        """Return the retraining of a new process, with clients of its own."""
        s3, registry = s3 or self.s3, registry or self.registry
        bucket = ModelsBucket(s3, self.models)
        return Retraining(
            journal=Journal(s3, self.archive),
            archive=Archive(s3, self.archive, clock=lambda: self.at),
            bucket=bucket,
            registry=registry,
            promoter=Promoter(bucket, registry, lambda: self.at),
            listings=lambda _: None,
            train=self.train or self._train,
            params=read_params(),
            policy=self.policy,
            announce=self.announced.append,
            keep_model=lambda *_: None,
            clock=lambda: self.at,
        )

    def _train(self, champion: Any, sales: Sales, listings: Any, params: Any) -> Any:
        self.trained += 1
        return challengers(champion, sales, listings, params)

    def worker(self, name: str = "worker-1", s3: Any = None, sqs: Any = None, registry: Any = None) -> Worker:
        """Return a worker of a new process."""
        return Worker(
            sqs=sqs or self.sqs,
            queue_url=self.url,
            journal=Journal(s3 or self.s3, self.archive),
            retrain=self.retraining(s3, registry),
            lease=self.lease,
            say=lambda _: None,
            name=name,
            clock=lambda: self.at,
        )

    def alarm(
        self, first: int | None = 200, *, event_id: str = "drift-1", version: str = "1", arrives: bool = True
    ) -> str:
        """Let the monitor announce that prices moved with the home of that number; return the request's id.

        It remembers the alarm, and the rule brings it to the queue where it `arrives`.
        """
        fresh = None if first is None else (f"L-{first}", self.market.reported[first].isoformat())
        detail = {
            "id": event_id,
            "kind": "performance",
            "champion": version,
            "promoted_at": self.pointer().promoted_at,
            "at": self.at.isoformat(),
            "summary": "prices rose",
            "moved": [],
            "fresh": fresh and {"listing_id": fresh[0], "reported_at": fresh[1]},
        }
        self.s3.put_object(Bucket=self.archive, Key=f"monitor/alarms/{event_id}.json", Body=json.dumps(detail))
        if arrives:
            self.send("belo.monitor", "DriftDetected", detail)
        return event_id

    def tick(self) -> None:
        """Put the schedule's event on the queue."""
        self.send("aws.events", "Scheduled Event", {})

    def send(self, source: str, detail_type: str, detail: dict[str, Any]) -> None:
        """Put an event on the queue."""
        event = {
            "version": "0",
            "id": "delivery",
            "source": source,
            "detail-type": detail_type,
            "time": self.at.isoformat(),
            "detail": detail,
            "resources": [],
        }
        self.sqs.send_message(QueueUrl=self.url, MessageBody=json.dumps(event))

    def drift(self) -> None:
        """Sell 200 homes, and 80 that go for 20 % more; let a worker take up the alarm."""
        self.market.sell(200)
        self.market.sell(80, rise=1.2)
        self.alarm()
        assert self.worker().one(wait_seconds=0)

    def schedule(self, days: float = 1) -> None:
        """Let time pass, and a worker take up the schedule's request."""
        self.at += timedelta(days=days)
        self.tick()
        assert self.worker().one(wait_seconds=0)

    def challenger(self) -> Pointer | None:
        """Return what is in shadow."""
        return Promoter(ModelsBucket(self.s3, self.models), self.registry).challenger()

    def waiting(self) -> int:
        """Return how many messages the queue still holds."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(map(int, found.values()))

    def pointer(self) -> Pointer:
        """Return the champion's pointer."""
        body = self.s3.get_object(Bucket=self.models, Key=CHAMPION_KEY)["Body"].read()
        return msgspec.json.decode(body, type=Pointer)

    def records(self) -> list[Record]:
        """Return the history."""
        return Journal(self.s3, self.archive).records()


def _files(tiny: Any) -> tuple[bytes, bytes]:
    return tiny.model, tiny.manifest
