"""The books of the demo: what was published, and what became of each record."""

import gzip
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from pricing.dead_letter_layout import DeadLetter
from pricing.manifest import Manifest
from stream_consumer.consumer import Arrived, Consumer
from stream_consumer.positions import HORIZON
from stream_consumer.printing.formats import Format, encoder
from stream_consumer.shards import Shards
from terminal.display import stderr
from terminal.stack import Stack

FOLDER = Path("build/demo")
PREDICTIONS = FOLDER / "predictions.jsonl"
PATIENCE = 120.0  # seconds without a new prediction or dead letter

_GOOD = (
    b'{"specversion":"1.0","id":"bad-%d","source":"/demo","type":"listing.submitted",'
    b'"data":{"listing_id":"bad-%d","neighborhood":"Centro","area_m2":%s}}'
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


def collect(books: Books, stack: Stack) -> None:
    """Read predictions until every published record is accounted for, or nothing has come for a while."""
    consumer = Consumer(stack.client("kinesis"), stack.predictions_stream)
    quiet_since = time.monotonic()
    with (
        (FOLDER / "predictions.jsonl").open("w", encoding="utf-8") as file,
        stderr.status("reading ...") as status,
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


def arrivals(stack: Stack) -> dict[tuple[str, str], datetime]:
    """Return when the input stream took each record, by its position."""
    found = {}
    for reading in Shards(stack.client("kinesis"), stack.listings_stream, HORIZON, {}).readings():
        for record in reading.records:
            found[reading.shard_id, record["SequenceNumber"]] = record["ApproximateArrivalTimestamp"]
        if reading.caught_up:
            break
    return found


def latencies(predictions: list[Arrived], arrivals: dict[tuple[str, str], datetime]) -> list[float]:
    """Return how long each took from the input stream to the output stream, by the streams' own clocks."""
    positions = [(each.at, each.event.data.source_position) for each in predictions]
    return [(at - arrivals[place.shard_id, place.sequence_number]).total_seconds() * 1000 for at, place in positions]


def figures(books: Books, manifest: Manifest) -> dict[str, Any]:
    """Return the demo's last line: counts, speed, latency and the model's figures."""
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
