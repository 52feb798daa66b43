"""A stack's buckets in memory, filled by the project's own writers, and a search for what is left of a listing."""

import base64
import gzip
import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from belo.forget.listing_name import ListingName
from belo.forget.places import Forgotten, forget
from lambdas.archive import Archiver
from lambdas.archive_bucket.credibility import SetApart
from lambdas.archive_bucket.reader import Archive
from lambdas.archive_bucket.sales import FreshFrom, Sale
from lambdas.aws.batch import Batch
from lambdas.scoring.dead_letters import DeadLetters
from lambdas.scoring.decode import decode_batch
from monitoring.decisions import decide
from monitoring.sales_files import put_lines
from pricing.aggregation import join
from pricing.listing import Features
from pricing.manifest import Pointer
from pricing.prediction import (
    Interval,
    ModelVersion,
    Prediction,
    PredictionEvent,
    SourcePosition,
    encode,
    prediction_id,
)
from stream_producer.dead_letters_bucket.objects import LetterObjects
from stream_producer.dead_letters_bucket.redrive import Choice, Redrive
from stream_producer.publisher import Publisher
from tests.conftest import DEAD_LETTERS
from tests.events import SHARD, batch, payload
from tests.monitoring.markets import ARCHIVE
from tests.simulator.clock import SimulatedClock
from tests.simulator.destination import RETRIES_EXHAUSTED, OnFailure
from tests.simulator.lane import Batch as LaneBatch
from tests.simulator.stream import Record, Stream
from tests.stream_consumer.fake_kinesis import FakeKinesis
from training.retraining.journal import Journal
from training.retraining.records import Evidence
from training.retraining.records import Record as RetrainingRecord
from training.retraining.requests import Request
from training.sales_contest.sold_homes import Sold

NOW = datetime(2026, 11, 24, tzinfo=UTC)
LATER = NOW + timedelta(days=60)
HOME = Features(neighborhood="Buritis", street="Rua A", area_m2=102.0)
BUCKETS = {"archive": ARCHIVE, "dead letters": DEAD_LETTERS}


@dataclass
class FilledStack:
    """Buckets in which each place names `listing` and its neighbours, whose ids begin with it or end in it."""

    s3: Any
    listing: str

    @property
    def neighbours(self) -> tuple[str, str]:
        return f"{self.listing}0", f"X{self.listing}"

    @property
    def all(self) -> tuple[str, str, str]:
        return self.neighbours[0], self.listing, self.neighbours[1]

    def fill(self) -> None:
        """Fill every place but the monitor's."""
        self.s3.create_bucket(Bucket=ARCHIVE)
        self.s3.put_bucket_versioning(Bucket=ARCHIVE, VersioningConfiguration={"Status": "Enabled"})
        self.refuse()
        self.redrive()
        self.refuse(first=900)
        self.park(DEAD_LETTERS, "listings", payload)
        self.archive()
        self.archive()  # a replay: the same objects again
        self.park(ARCHIVE, "predictions", prediction)
        self.sell()
        Archive(self.s3, ARCHIVE, clock=lambda: LATER).of_listings([self.listing], NOW - timedelta(days=9), LATER)
        self.retrain()

    def refuse(self, first: int = 100) -> None:
        """Dead letters of every kind: wrong inside, no JSON, cut off, aggregated, a damaged aggregate, another type."""
        bad = [payload(name, area_m2=-3) for name in self.all]
        aggregate = join((name, each) for name, each in zip(self.all, bad, strict=True))
        records = [
            *bad,
            b"no JSON at all",
            json.dumps({"data": {"listing_id": self.listing, "area_m2": -1}}).encode()[:-3],
            json.dumps({"listing-id": f" {self.listing} "}).encode("utf-16"),
            payload(self.neighbours[0], area_m2=-3, rooms=3)[:-4],
            aggregate,
            aggregate[:-1] + bytes([aggregate[-1] ^ 1]),
        ]
        event = Batch.of(batch(*records, first=first))
        _, refused = decode_batch(event)
        DeadLetters(self.s3, DEAD_LETTERS).write(event, refused)

    def redrive(self) -> None:
        """Everything refused goes back to the stream."""
        publisher = Publisher(FakeKinesis(), "listings", patience=0.1)
        run = Redrive(LetterObjects(self.s3, DEAD_LETTERS, "listings"), publisher, print, Choice())
        run.run(run.keys())

    def park(self, bucket: str, stream: str, event: Callable[[str], bytes]) -> None:
        """A batch that Lambda gave up on, with an aggregated record under the listing's own key."""
        records = [(name, event(name)) for name in self.all]
        records.append((self.listing, join(records)))
        records.append((self.listing, b"no JSON"))
        destination = OnFailure(_Puts(self.s3), bucket, SimulatedClock(NOW.timestamp()))
        parked = tuple(
            Record(SHARD, place, str(place), key, data, NOW.timestamp()) for place, (key, data) in enumerate(records)
        )
        destination.park(LaneBatch(parked), Stream(stream), "arn:function", RETRIES_EXHAUSTED, None)

    def archive(self) -> None:
        """An object with all listings' predictions, one with the listing's alone, and records that are none."""
        archiver = Archiver(self.s3, ARCHIVE)
        strangers = [payload(name) for name in self.all]
        archiver(batch(*map(prediction, self.all), *strangers, first=100))
        archiver(batch(prediction(self.listing), first=200))

    def sell(self) -> None:
        """Sales of all, a correction, and decisions."""
        put_lines(self.s3, ARCHIVE, NOW, [sale(name) for name in self.all])
        put_lines(self.s3, ARCHIVE, NOW + timedelta(hours=1), [sale(self.listing)])
        decide(self.s3, ARCHIVE, NOW + timedelta(hours=2), [self.listing], [self.neighbours[0]])

    def retrain(self) -> None:
        """What a retraining leaves."""
        since = FreshFrom(self.listing, NOW)
        request = Request(id="r", kind="drift", at=NOW, reason="prices rose", fresh=since, after=since)
        pointer = Pointer(
            version="7", manifest_sha256="0", previous=None, promoted_at=NOW.isoformat(), promoted_by="manual"
        )
        journal = Journal(self.s3, ARCHIVE)
        journal.once(
            Evidence,
            "r",
            lambda: Evidence(
                request=request,
                gathered_at=NOW,
                champion=pointer,
                challenger=None,
                sales=[sold(name) for name in self.all],
                set_apart=[_apart(name) for name in self.all],
            ),
        )
        journal.once(
            RetrainingRecord,
            "r",
            lambda: RetrainingRecord(
                request=request,
                finished_at=NOW,
                outcome="kept",
                why="no gain",
                champion_before="7",
                reign_since=NOW.isoformat(),
                champion_after="7",
                promoted_by=None,
                sales=3,
                contests=[],
                trained=None,
                version=None,
            ),
        )

    def forget(self, s3: Any = None, *, dry_run: bool = False) -> Forgotten:
        """Forget the listing."""
        return forget(s3 or self.s3, BUCKETS, ListingName(self.listing), dry_run=dry_run)

    def everything(self) -> dict[tuple[str, str, str], bytes]:
        """Return all versions of all objects, by bucket, key and version."""
        found = {}
        for bucket in BUCKETS.values():
            for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
                for each in page.get("Versions", []):
                    place = {"Bucket": bucket, "Key": each["Key"], "VersionId": each["VersionId"]}
                    found[bucket, each["Key"], each["VersionId"]] = self.s3.get_object(**place)["Body"].read()
        return found

    def standing(self) -> dict[tuple[str, str], bytes]:
        """Return what stands, by bucket and key."""
        found = {}
        for bucket in BUCKETS.values():
            for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
                for each in page.get("Contents", []):
                    found[bucket, each["Key"]] = self.s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()
        return found

    def holders(self, listing: str) -> list[str]:
        """Return the keys of all objects and old versions in which a listing's id can be read, decoded all the way."""
        return self.holders_of_each((listing,))[listing]

    def holders_of_each(self, listings: tuple[str, ...]) -> dict[str, list[str]]:
        """Return the same by listing, with one look at everything."""
        words = {each: re.compile(rf"(?<![\w-]){re.escape(each)}(?![\w-])") for each in listings}
        texts = [(key, list(decoded(body))) for (_, key, _), body in self.everything().items()]
        return {
            listing: sorted({key for key, found in texts if any(map(word.search, found))})
            for listing, word in words.items()
        }


class _Puts:
    def __init__(self, s3: Any) -> None:
        self._s3 = s3

    def store(self, bucket: str, key: str, body: bytes) -> None:
        self._s3.put_object(Bucket=bucket, Key=key, Body=body)


def prediction(listing: str) -> bytes:
    data = Prediction(
        listing_id=listing,
        event_source="/marketplace",
        event_id=f"e-{listing}",
        predicted_price=500_000.0,
        interval=Interval(400_000.0, 620_000.0, 0.9),
        currency="BRL",
        model=ModelVersion("house-price", "7"),
        features=HOME,
        source_position=SourcePosition(SHARD, "1", 0),
    )
    return encode(
        PredictionEvent(
            specversion="1.0",
            id=prediction_id("/marketplace", f"e-{listing}"),
            source="/pricing/score",
            type="listing.priced",
            subject=listing,
            time="2026-11-24T00:00:00.100Z",
            data=data,
        )
    )


def sale(listing: str) -> Sale:
    return Sale(listing, 630_000.0, "2026-11-23T00:00:00Z")


def sold(listing: str) -> Sold:
    return Sold(
        listing_id=listing,
        features=HOME,
        sale_price=630_000.0,
        sold_at=NOW,
        reported_at=NOW,
        model_version="7",
        predicted_price=500_000.0,
    )


def _apart(listing: str) -> SetApart:
    return SetApart(
        listing_id=listing, sale_price=1.0, predicted_price=5e5, reported_at=NOW.isoformat(), reason="a token"
    )


def decoded(content: bytes) -> Iterator[str]:
    """Yield every text in a content: packed, JSON in JSON, base64, UTF-16, raw; no code of the command is used."""
    if content.startswith(b"\x1f\x8b"):
        with suppress(EOFError, OSError):  # torn
            yield from decoded(gzip.decompress(content))
        return
    if content.startswith(b"\xff\xfe"):
        content = content.decode("utf-16").encode()
    for line in [content, *content.split(b"\n")]:
        yield line.decode("utf-8", "replace")
        try:
            yield from _strings(json.loads(line))
        except ValueError:
            yield re.sub(r"\\u(....)", lambda each: chr(int(each[1], 16)), line.decode("utf-8", "replace")).replace(
                "\\", ""
            )


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            if isinstance(each, str) and name in ("payload", "data"):
                try:
                    yield from decoded(base64.b64decode(each, validate=True))
                except ValueError:
                    yield from decoded(each.encode())
            else:
                yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
    elif isinstance(value, str):
        yield value


def hashes(stack: FilledStack) -> int:
    """Return how many hashes the indexes of all days hold."""
    bodies = [body for (_, key, _), body in stack.everything().items() if key.startswith("index/")]
    return sum(len(np.load(io.BytesIO(body))["hashes"]) for body in bodies)
