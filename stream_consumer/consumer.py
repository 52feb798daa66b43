"""Predictions off the output stream, each once."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from pricing import prediction
from pricing.prediction import PredictionEvent
from stream_consumer.checkpoint import Checkpoint
from stream_consumer.positions import HORIZON, ShardPosition
from stream_consumer.shards import Reading, Shards
from terminal.streams import stream_identity

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_kinesis.type_defs import RecordTypeDef

REMEMBERED = 500_000  # predictions; about 100 bytes each


class Arrived(Struct, frozen=True, gc=False):
    """A prediction, the bytes it came in, and when and where it came to stand on the stream."""

    event: PredictionEvent
    data: bytes
    at: datetime
    shard_id: str
    sequence_number: str


class Consumer:
    """Reads a prediction stream, each prediction once, through resharding, throttling and disconnects.

        consumer = Consumer(kinesis, "predictions", checkpoint=Path("prices.checkpoint"))
        for batch in consumer.batches(follow=True):
            store(batch)
            consumer.commit()

    A prediction that came before (by its event's `id`) is dropped, as long as fewer than half of `REMEMBERED`
    others lie between. A record that is no prediction is counted in `foreign`, told to `on_foreign`, and skipped.
    Nothing is skipped else: after a crash, reading from the checkpoint repeats what was handed on since the
    last `commit`.
    """

    def __init__(
        self,
        kinesis: "KinesisClient",
        stream: str,
        *,
        start: ShardPosition = HORIZON,
        checkpoint: Path | None = None,
        remembered: int = REMEMBERED,
        on_foreign: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Open the stream at `start`, or at the checkpoint; raises `Failure` for one that is unusable."""
        self._checkpoint = checkpoint and Checkpoint(checkpoint, stream_identity(kinesis, stream))
        known = self._checkpoint.load() if self._checkpoint else {}
        self._shards = Shards(kinesis, stream, start, known, clock=clock, sleep=sleep)
        self._handed_on = self._shards.positions()
        self._on_foreign = on_foreign
        self._clock = clock
        self._seen = _Seen(remembered)
        self._stopped = False
        self.repeats = 0
        self.foreign = 0

    def batches(
        self, *, follow: bool = False, idle_timeout: float | None = None, limit: int | None = None
    ) -> Iterator[list[Arrived]]:
        """Yield predictions in batches, in the order of each shard, none of them empty.

        Ends after `limit` predictions; after `idle_timeout` seconds without one, in which no shard failed or had more
        to give; with neither `follow` nor `idle_timeout`, when every shard has been read to its end; and after `stop`.
        """
        idle_since = self._clock()
        for reading in self._shards.readings():
            batch = self._batch(reading, limit)
            self._handed_on = self._shards.positions()
            if batch:
                yield batch
            if limit is not None:
                limit -= len(batch)
                if not limit:
                    return
            if self._stopped:
                return
            if idle_timeout is None and not follow and reading.caught_up:
                return
            if batch or reading.behind:
                idle_since = self._clock()
            elif idle_timeout is not None and self._clock() - idle_since >= idle_timeout:
                return

    def stop(self) -> None:
        """End `batches` after the read that is under way; for signal handlers and other threads."""
        self._stopped = True

    def commit(self) -> None:
        """Remember durably that every batch so far has been dealt with."""
        if self._checkpoint:
            self._checkpoint.save(self._handed_on)

    def _batch(self, reading: Reading, limit: int | None) -> list[Arrived]:
        batch: list[Arrived] = []
        for record in reading.records:
            arrived = self._arrived(reading.shard_id, record)
            if arrived:
                batch.append(arrived)
            if len(batch) == limit:
                self._shards.rewind(reading.shard_id, ShardPosition(after=record["SequenceNumber"]))
                break
        return batch

    def _arrived(self, shard_id: str, record: "RecordTypeDef") -> Arrived | None:
        try:
            event = prediction.decode(record["Data"])
        except (ValueError, RecursionError) as error:
            self.foreign += 1
            self._on_foreign(f"{shard_id} {record['SequenceNumber']}: not a prediction ({error})")
            return None
        if self._seen.before(event.id):
            self.repeats += 1
            return None
        at = record.get("ApproximateArrivalTimestamp") or datetime.now(UTC)
        return Arrived(event, record["Data"], at, shard_id, record["SequenceNumber"])


class _Seen:
    """The ids of the last predictions, between half of `size` and all of it: the elder half goes at once."""

    def __init__(self, size: int) -> None:
        self._half = size // 2
        self._younger: set[str] = set()
        self._elder: set[str] = set()

    def before(self, event_id: str) -> bool:
        if event_id in self._younger or event_id in self._elder:
            return True
        if len(self._younger) >= self._half:
            self._elder, self._younger = self._younger, set()
        self._younger.add(event_id)
        return False
