"""The main job on a local cloud of its own, end to end, telling its story as it goes.

The story goes to standard error; the last line on standard output is the books as JSON. Predictions are left
in build/demo/predictions.jsonl.
"""

import gzip
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from rich.console import Console
from rich.progress import track

from belo import local_cloud
from belo.errors import Failure, UsageFailure
from belo.signals import ended_by_signals
from belo.stack import Stack
from lambdas.dead_letters import DeadLetter
from pricing.manifest import Manifest
from stream_consumer.consumer import Arrived, Consumer
from stream_consumer.formats import Format, encoder, header
from stream_consumer.positions import HORIZON
from stream_consumer.shards import Shards
from stream_producer.listing_events import ListingEvents
from stream_producer.listing_files import identify
from stream_producer.publisher import Publisher
from stream_producer.records import Record
from training.bootstrap import SAMPLE, load_data

FOLDER = Path("build/demo")
PREDICTIONS = FOLDER / "predictions.jsonl"
EVENTS = 5_000
MOST_EVENTS = 10_000_000
SHOWN = 8  # predictions and dead letters in the story
PATIENCE = 120.0  # seconds without a new prediction or dead letter

_GOOD = (
    b'{"specversion":"1.0","id":"bad-%d","source":"/demo","type":"listing.submitted",'
    b'"data":{"listing_id":"bad-%d","neighborhood":"Savassi","area_m2":%s}}'
)
BAD = (
    b"this is not JSON",
    b'{"hello":"a JSON document, but no event"}',
    b'"Savass\xff"',
    b"\x00" * 1_000_000,
    b"[" * 100_000,
    _GOOD % (1, 1, b"-3"),
    _GOOD % (2, 2, b'"ninety"'),
    _GOOD % (3, 3, b"1000000000"),
    _GOOD % (4, 4, b"NaN"),
)

say = Console(stderr=True, highlight=False, soft_wrap=True)


@dataclass
class Books:
    """What became of what was published."""

    published: int = 0
    invalid: int = 0
    predictions: list[Arrived] = field(default_factory=list)
    dead_letters: dict[tuple[str, str, int], DeadLetter] = field(default_factory=dict)
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)  # milliseconds

    @property
    def lost(self) -> int:
        """Return how many published records are neither a prediction nor a dead letter."""
        return self.published - len(self.predictions) - len(self.dead_letters)


def main() -> None:
    """Run the demo; exit code 1 where it fails or the books do not balance."""
    try:
        events = _events(os.environ.get("EVENTS") or str(EVENTS))
        with ended_by_signals("demo"):
            balanced = run(os.environ.get("DATA"), events)
    except Failure as failure:
        failure.exit("demo")
    sys.exit(0 if balanced else 1)


def _events(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) <= MOST_EVENTS):
        raise UsageFailure(f"EVENTS: expected a whole number from 1 to {MOST_EVENTS:,}, got {text[:80]}")
    return int(text)


def run(data: str | None, events: int) -> bool:
    """Run the demo on a file of listings, or on the generated sample; return whether the books balance."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix=".run-") as scratch, local_cloud.running() as endpoint:
        os.environ.setdefault("MLFLOW_TRACKING_URI", f"sqlite:///{scratch}/mlflow.db")
        _chapter(1, "A local cloud, provisioned by Terraform, while a champion is trained (a minute or two)")
        file = _listings(data)
        stack, manifest = local_cloud.with_champion(
            endpoint, Path(scratch), Path(data) if data else None, {"retraining": False}
        )
        _introduce(stack, manifest, endpoint)
        books = _stream(stack, file, events)
    _tell(books)
    print(json.dumps(_figures(books, manifest), ensure_ascii=False))
    return books.lost == 0


def _listings(data: str | None) -> Path:
    if data:
        say.print(f"Listings: {Path(data).name}")
        return Path(data)
    load_data(None)
    say.print(f"Listings: a [bold]generated[/] sample, {SAMPLE} (DATA=file.csv takes yours)")
    return SAMPLE


def _chapter(number: int, title: str) -> None:
    say.print(f"\n[bold]{number}. {title}[/]")


def _introduce(stack: Stack, manifest: Manifest, endpoint: str) -> None:
    figures = manifest.metrics
    say.print(
        f"MiniStack at {endpoint}: streams {stack.listings_stream} and {stack.predictions_stream}, function "
        f"{stack.score_function}, buckets for models, dead letters and the archive"
    )
    _chapter(2, "The champion")
    say.print(
        f"{manifest.name} version {manifest.version}, on listings that it never saw: median error "
        f"{figures['median_ape']:.1%}, R² {figures['r2']:.3f}, its {manifest.interval.coverage:.0%} intervals hold "
        f"{figures['coverage']:.1%} of prices"
    )


def _stream(stack: Stack, file: Path, events: int) -> Books:
    books = Books()
    kinesis = stack.client("kinesis")
    _chapter(3, f"{events:,} listings out, and {len(BAD)} bad records on purpose")
    rows = ListingEvents(file, identify(file).sha256, limit=events)
    records = chain((Record(f"bad-{n}", data) for n, data in enumerate(BAD)), rows)
    started = time.time()
    publisher = Publisher(kinesis, stack.listings_stream)
    outcome = publisher.publish(track(records, "publishing", total=events + len(BAD), console=say))
    if outcome.failed:
        raise Failure(f"{outcome.failed} listings could not be published: {outcome.error}")
    books.published, books.invalid = outcome.published, rows.invalid
    _chapter(4, "Prices back")
    _collect(books, stack)
    last = max((each.at.timestamp() for each in books.predictions), default=started)
    books.seconds = max(last - started, 1e-3)
    books.latencies = _latencies(books.predictions, _arrivals(stack))
    return books


def _collect(books: Books, stack: Stack) -> None:
    """Read predictions until every published record is accounted for, or nothing has come for a while."""
    consumer = Consumer(stack.client("kinesis"), stack.predictions_stream)
    quiet_since = time.monotonic()
    with (
        (FOLDER / "predictions.jsonl").open("w", encoding="utf-8") as file,
        say.status("reading ...") as status,
    ):
        while books.lost > 0 and time.monotonic() - quiet_since < PATIENCE:
            before = books.lost
            for batch in consumer.batches(idle_timeout=1.0):
                file.write(encoder(Format.JSONL)(batch))
                books.predictions += batch
                status.update(f"{len(books.predictions):,} predictions")
                if books.lost <= len(BAD):
                    break
            books.dead_letters = _dead_letters(stack)
            if books.lost < before:
                quiet_since = time.monotonic()


def _dead_letters(stack: Stack) -> dict[tuple[str, str, int], DeadLetter]:
    s3, bucket = stack.client("s3"), stack.dead_letters_bucket
    found = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="dead-letters/"):
        for each in page.get("Contents", []):
            lines = gzip.decompress(s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read())
            for letter in map(_letter, lines.splitlines()):
                found[letter.shard_id, letter.sequence_number, letter.index] = letter
    return found


def _letter(line: bytes) -> DeadLetter:
    return msgspec.json.decode(line, type=DeadLetter)


def _arrivals(stack: Stack) -> dict[tuple[str, str], datetime]:
    """Return when the input stream took each record, by its position."""
    found = {}
    for reading in Shards(stack.client("kinesis"), stack.listings_stream, HORIZON, {}).readings():
        for record in reading.records:
            found[reading.shard_id, record["SequenceNumber"]] = record["ApproximateArrivalTimestamp"]
        if reading.caught_up:
            break
    return found


def _latencies(predictions: list[Arrived], arrivals: dict[tuple[str, str], datetime]) -> list[float]:
    """Return how long each took from the input stream to the output stream, by the streams' own clocks."""
    positions = [(each.at, each.event.data.source_position) for each in predictions]
    return [(at - arrivals[place.shard_id, place.sequence_number]).total_seconds() * 1000 for at, place in positions]


def _tell(books: Books) -> None:
    table = header(Format.TABLE) + encoder(Format.TABLE)(books.predictions[:SHOWN])
    say.print(table, markup=False, soft_wrap=True)
    say.print("[bold]5. Dead letters[/]")
    for letter in list(books.dead_letters.values())[: len(BAD)]:
        say.print(f"{letter.reason:<16} {letter.error}", markup=False, soft_wrap=True)
    say.print("\n[bold]6. The books[/]")
    say.print(
        f"{books.published:,} published = {len(books.predictions):,} predictions + {len(books.dead_letters)} dead "
        f"letters + {books.lost} lost, in {books.seconds:.1f} s; {books.invalid} rows were refused before sending"
    )
    say.print(f"Predictions: {PREDICTIONS}")


def _figures(books: Books, manifest: Manifest) -> dict[str, Any]:
    p50, p95 = np.percentile(books.latencies, [50, 95]) if books.latencies else (None, None)
    return {
        "published": books.published,
        "predicted": len(books.predictions),
        "dead_letters": len(books.dead_letters),
        "lost": books.lost,
        "invalid": books.invalid,
        "seconds": round(books.seconds, 2),
        "events_per_second": round(books.published / books.seconds),
        "latency_ms": {"p50": p50 and round(p50), "p95": p95 and round(p95)},
        "model": {
            "version": manifest.version,
            **{name: round(manifest.metrics[name], 4) for name in ("median_ape", "r2", "coverage")},
        },
    }


if __name__ == "__main__":
    main()
