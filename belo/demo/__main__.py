"""The main job on a local cloud of its own, end to end, telling its story as it goes.

The story goes to standard error; the last line on standard output is the books as JSON. Predictions are left
in build/demo/predictions.jsonl.
"""

import json
import os
import sys
import tempfile
import time
from itertools import chain
from pathlib import Path

from rich.progress import track

from belo.demo.books import BAD, FOLDER, PREDICTIONS, Books, arrivals, collect, figures, latencies
from belo.local_cloud import provision
from listing_files.market_file import find_market
from listing_files.reading import identify
from pricing.manifest import Manifest
from stream_consumer.printing.formats import Format, encoder, header
from stream_producer.listing_events import ListingEvents
from stream_producer.publisher import Publisher
from stream_producer.records import Record
from terminal.display import stderr
from terminal.errors import Failure, UsageFailure
from terminal.signals import ended_by_signals
from terminal.stack import Stack
from training.data.load import SAMPLE, load_data

EVENTS = 5_000
MOST_EVENTS = 10_000_000
SHOWN = 8  # predictions and dead letters in the story


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
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix=".run-") as scratch, provision.running() as endpoint:
        os.environ.setdefault("MLFLOW_TRACKING_URI", f"sqlite:///{scratch}/mlflow.db")
        _chapter(1, "A local cloud, provisioned by Terraform, while a champion is trained (a minute or two)")
        file = _listings(data)
        stack, manifest = provision.with_champion(
            endpoint, Path(scratch), Path(data) if data else None, {"retraining": False}
        )
        _introduce(stack, manifest, endpoint)
        books = _stream(stack, file, events)
    _tell(books)
    print(json.dumps(figures(books, manifest), ensure_ascii=False))
    return books.lost == 0


def _listings(data: str | None) -> Path:
    if data:
        stderr.print(f"Listings: {Path(data).name}")
        return Path(data)
    load_data(None)
    stderr.print(f"Listings: a [bold]generated[/] sample, {SAMPLE} (DATA=file.csv takes yours)")
    return SAMPLE


def _chapter(number: int, title: str) -> None:
    stderr.print(f"\n[bold]{number}. {title}[/]")


def _introduce(stack: Stack, manifest: Manifest, endpoint: str) -> None:
    figures = manifest.metrics
    stderr.print(
        f"MiniStack at {endpoint}: streams {stack.listings_stream} and {stack.predictions_stream}, function "
        f"{stack.score_function}, buckets for models, dead letters and the archive"
    )
    _chapter(2, "The champion")
    stderr.print(
        f"{manifest.name} version {manifest.version}, on listings that it never saw: median error "
        f"{figures['median_ape']:.1%}, R² {figures['r2']:.3f}, its {manifest.interval.coverage:.0%} intervals hold "
        f"{figures['coverage']:.1%} of prices"
    )


def _stream(stack: Stack, file: Path, events: int) -> Books:
    books = Books()
    kinesis = stack.client("kinesis")
    _chapter(3, f"{events:,} listings out, and {len(BAD)} bad records on purpose")
    rows = ListingEvents(file, identify(file).sha256, market=find_market(os.environ), limit=events)
    records = chain((Record(f"bad-{n}", data) for n, data in enumerate(BAD)), rows)
    started = time.time()
    publisher = Publisher(kinesis, stack.listings_stream)
    outcome = publisher.publish(track(records, "publishing", total=events + len(BAD), console=stderr))
    if outcome.failed:
        raise Failure(f"{outcome.failed} listings could not be published: {outcome.error}")
    books.published, books.invalid = outcome.published, rows.invalid
    _chapter(4, "Prices back")
    collect(books, stack)
    last = max((each.at.timestamp() for each in books.predictions), default=started)
    books.seconds = max(last - started, 1e-3)
    books.latencies = latencies(books.predictions, arrivals(stack))
    return books


def _tell(books: Books) -> None:
    table = header(Format.TABLE) + encoder(Format.TABLE, find_market(os.environ))(books.predictions[:SHOWN])
    stderr.print(table, markup=False, soft_wrap=True)
    stderr.print("[bold]5. Dead letters[/]")
    for letter in list(books.dead_letters.values())[: len(BAD)]:
        stderr.print(f"{letter.reason:<16} {letter.error}", markup=False, soft_wrap=True)
    stderr.print("\n[bold]6. The books[/]")
    stderr.print(
        f"{books.published:,} published = {len(books.predictions):,} predictions + {len(books.dead_letters)} dead "
        f"letters + {books.lost} lost, in {books.seconds:.1f} s; {books.invalid} rows were refused before sending"
    )
    stderr.print(f"Predictions: {PREDICTIONS}")


if __name__ == "__main__":
    main()
