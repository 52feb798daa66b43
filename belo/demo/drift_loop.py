"""What the drift demo does to a running stack: by the commands and functions that a production stack has."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from botocore.config import Config

from belo.demo.market import Market
from lambdas.archive_bucket.prediction_rows import ArchivedPrediction
from lambdas.archive_bucket.reader import Archive
from lambdas.aws.objects import READERS
from terminal.errors import Failure
from terminal.stack import Stack
from training.retraining.journal import Journal
from training.retraining.records import Record

MONITOR = "monitor"
PATIENCE = 120.0
BEGINNING, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Loop:
    """A stack, a market on it, and the environment of the commands."""

    stack: Stack
    market: Market
    scratch: Path
    environment: dict[str, str]

    def belo(self, *arguments: str) -> str:
        """Run a command; return its standard output. Its standard error is ours."""
        command = [str(Path(sys.executable).with_name("belo")), *arguments]
        done = subprocess.run(command, env=self.environment, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise Failure(f"belo {' '.join(arguments)}: exit code {done.returncode}")
        return done.stdout

    def publish(self, listings: Path, name: str) -> dict[str, Any]:
        """Publish a file of listings."""
        found: dict[str, Any] = json.loads(self.belo("publish", str(listings), "--json"))
        if found["failed"]:
            raise Failure(f"{name}: {found['failed']} listings could not be published")
        return found

    def sell(self, first: int, last: int, rise: float) -> None:
        """Sell homes number `first` to `last`, and report it."""
        path = self.scratch / "sales.jsonl"
        path.write_text("".join(f"{json.dumps(each)}\n" for each in self.market.sales(first, last, rise)))
        self.belo("report-sales", str(path), "--json")

    def look(self) -> dict[str, Any]:
        """Let the monitor look, as its schedule does; return what it found."""
        reply = self.stack.client("lambda", Config(read_timeout=120)).invoke(FunctionName=MONITOR, Payload=b"{}")
        found = json.loads(reply["Payload"].read())
        if reply.get("FunctionError"):
            raise Failure(f"the monitor failed: {found}")
        return dict(found)

    def predictions(self, ids: Iterable[str]) -> dict[str, ArchivedPrediction]:
        """Wait until the archive holds a prediction of each listing; return the newest of each."""
        wanted = set(ids)
        archive = Archive(self.stack.client("s3", Config(max_pool_connections=READERS)), self.stack.archive_bucket)

        def read() -> dict[str, ArchivedPrediction] | None:
            rows = archive.predictions(BEGINNING, END, lambda row: row.listing_id in wanted)
            found = {row.listing_id: row for row in rows}
            return found if len(found) == len(wanted) else None

        return until(read, f"{len(wanted)} predictions in the archive")

    def requested(self) -> None:
        """Wait until the alarm has come through the rule to the queue."""
        sqs = self.stack.client("sqs")
        url = sqs.get_queue_url(QueueName=self.stack.retraining_queue)["QueueUrl"]
        name = "ApproximateNumberOfMessages"

        def waiting() -> bool:
            found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
            return int(found["Attributes"][name]) > 0

        until(waiting, "a retraining request on the queue")

    def history(self) -> list[Record]:
        """Return what `belo history` shows."""
        return Journal(self.stack.client("s3"), self.stack.archive_bucket).records()


def until(condition: Callable[[], Found | None], what: str, patience: float = PATIENCE) -> Found:
    """Return the condition's first true value; raises `Failure` when it does not come in time."""
    deadline = time.monotonic() + patience
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise Failure(f"waited {patience:.0f} s in vain: {what}")
        time.sleep(0.5)
    return found


def environment(stack: Stack, reference: Path) -> dict[str, str]:
    """Return the environment of the commands: this stack's, and the file that the champion learnt from."""
    return {**os.environ, **stack.environment(), "DATA": str(reference), "BELO_PROMOTION_POLICY": "auto"}
