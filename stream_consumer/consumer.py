"""Predictions off the output stream, each once."""

import time
from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from msgspec import Struct

from lambdas.aws.kinesis_calls import KinesisCalls
from pricing import prediction
from pricing.aggregation import split
from pricing.prediction import PredictionEvent
from stream_consumer.checkpoints.contents import Checkpoint, Saved
from stream_consumer.checkpoints.opening import open_checkpoint
from stream_consumer.delivered import REMEMBERED, Delivered, digest
from stream_consumer.gaps import Gap
from stream_consumer.positions import HORIZON, ShardPosition
from stream_consumer.shard import arrival
from stream_consumer.shards import Reading, Shards
from stream_consumer.worker import Worker

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_kinesis.type_defs import RecordTypeDef
    from mypy_boto3_s3 import S3Client

SECONDS_BETWEEN_QUIET_SAVES = 60.0  # of a checkpoint while nothing comes


class Arrived(Struct, frozen=True, gc=False):
    """A prediction, the bytes it came in, and when and where it came to stand on the stream.

    `index` is its place in an aggregated record, 0 in any other.
    """

    event: PredictionEvent
    data: bytes
    at: datetime
    shard_id: str
    sequence_number: str
    index: int = 0


class Consumer:
    """Reads a prediction stream, each prediction once, through resharding, throttling and disconnects.

        with Consumer(kinesis, "predictions", checkpoint=Path("prices.checkpoint")) as consumer:
            for batch in consumer.batches(follow=True):
                store(batch)
                consumer.commit()

    A prediction that came before (by its event's `id`) is dropped, as long as fewer than half of `remembered`
    others lie between; the checkpoint keeps the ids, so that this holds across a restart. A record that is no
    prediction is counted in `foreign`, told to `on_foreign`, and skipped. What the stream no longer has is told to
    `on_gap` and stands in `gaps`. Nothing is skipped else: after a crash, reading from the checkpoint repeats what was
    handed on since the last `commit`. `shards`: a worker's part of them, or these ids only.
    """

    def __init__(
        self,
        kinesis: "KinesisClient",
        stream: str,
        *,
        start: ShardPosition = HORIZON,
        checkpoint: Checkpoint | Path | str | None = None,
        s3: "S3Client | None" = None,
        shards: Worker | Collection[str] | None = None,
        remembered: int = REMEMBERED,
        on_foreign: Callable[[str], object] = lambda _: None,
        on_gap: Callable[[Gap], object] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Open the stream at `start`, or at the checkpoint: a file, or s3://bucket/key, which needs `s3`.

        Raises `Failure` for a checkpoint that is unusable, or in use.
        """
        if isinstance(checkpoint, Path | str):
            identity = KinesisCalls(kinesis, clock=clock, sleep=sleep).stream_identity(stream)
            checkpoint = open_checkpoint(str(checkpoint), identity, s3, remembered)
        self._checkpoint = checkpoint
        saved = checkpoint.load() if checkpoint else Saved({}, [])
        self._on_foreign = on_foreign
        self._tell_gap = on_gap
        self.gaps: list[Gap] = []
        self._delivered = Delivered(remembered)
        self._delivered.remember(saved.delivered)
        self._new: list[bytes] = []  # handed on since the last commit
        self._shards = Shards(
            kinesis, stream, start, saved.positions, shards=shards, on_gap=self._on_gap, clock=clock, sleep=sleep
        )
        self._handed_on = self._committed = self._shards.positions()
        self._clock = clock
        self._quiet_save_at = clock() + SECONDS_BETWEEN_QUIET_SAVES
        self._stopped = False
        self.repeats = 0
        self.foreign = 0

    def __enter__(self) -> Self:
        """Return the consumer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let another process have the checkpoint; commits nothing."""
        self.close()

    def batches(
        self,
        *,
        follow: bool = False,
        idle_timeout: float | None = None,
        limit: int | None = None,
        until: datetime | None = None,
    ) -> Iterator[list[Arrived]]:
        """Yield predictions in batches, in the order of each shard, none of them empty.

        Ends after `limit` predictions; before what arrives at `until` or later, once that time has come; after
        `idle_timeout` seconds without one, in which no shard failed or had more to give; after `stop`; and with none of
        `follow`, `until` and `idle_timeout`, when every shard has been read to where it ended at the call.
        """
        to_end = until is None and idle_timeout is None and not follow
        idle_since = self._clock()
        for reading in self._shards.readings(until=until, to_end=to_end):
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
            if reading.caught_up and (to_end or until is not None):
                return
            if batch or reading.behind:
                idle_since = self._clock()
            elif idle_timeout is not None and self._clock() - idle_since >= idle_timeout:
                return
            self._save_while_quiet()

    def stop(self) -> None:
        """End `batches` after the read that is under way; for signal handlers and other threads."""
        self._stopped = True

    def commit(self) -> None:
        """Remember durably that every batch so far has been dealt with."""
        if self._checkpoint:
            self._checkpoint.save(self._handed_on, self._new)
        self._committed, self._new = self._handed_on, []

    def close(self) -> None:
        """Let another process have the checkpoint; commits nothing."""
        if self._checkpoint:
            self._checkpoint.close()

    @property
    def lag(self) -> timedelta:
        """How far back, on the service's clock, the shard stands that is furthest behind."""
        return self._shards.lag()

    def _on_gap(self, gap: Gap) -> None:
        self.gaps.append(gap)
        self._tell_gap(gap)

    def _save_while_quiet(self) -> None:
        """Keep how late it is where all that came is committed: else a quiet stream would look like a gap."""
        if self._checkpoint and not self._new and self._clock() >= self._quiet_save_at:
            places = {name: (each.after, each.index) for name, each in self._committed.items()}
            if places == {name: (each.after, each.index) for name, each in self._handed_on.items()}:
                self.commit()
            self._quiet_save_at = self._clock() + SECONDS_BETWEEN_QUIET_SAVES

    def _batch(self, reading: Reading, limit: int | None) -> list[Arrived]:
        batch: list[Arrived] = []
        for record in reading.records:
            for index, last, data in self._entries(reading, record):
                arrived = self._arrived(reading.shard_id, record, index, data)
                if arrived:
                    batch.append(arrived)
                if len(batch) == limit:
                    place = record["SequenceNumber"], None if last else index
                    position = ShardPosition(after=place[0], index=place[1], read_until=arrival(record))
                    self._shards.rewind(reading.shard_id, position)
                    return batch
        return batch

    def _entries(self, reading: Reading, record: "RecordTypeDef") -> Iterator[tuple[int, bool, bytes]]:
        """Yield what a record holds and has not been dealt with: index, whether it is the last one, and data."""
        try:
            parts = split(record["Data"])
        except ValueError as error:
            self._skip(reading.shard_id, record, error)
            return
        entries = [record["Data"]] if parts is None else [data for _, data in parts]
        began = reading.began
        dealt_with = began.index if began.index is not None and began.after == record["SequenceNumber"] else -1
        for index, data in enumerate(entries):
            if index > dealt_with:
                yield index, index == len(entries) - 1, data

    def _arrived(self, shard_id: str, record: "RecordTypeDef", index: int, data: bytes) -> Arrived | None:
        try:
            event = prediction.decode(data)
        except (ValueError, RecursionError) as error:
            self._skip(shard_id, record, error)
            return None
        if not self._delivered.is_new(event.id):
            self.repeats += 1
            return None
        if self._checkpoint:
            self._new.append(digest(event.id))
        return Arrived(event, data, arrival(record), shard_id, record["SequenceNumber"], index)

    def _skip(self, shard_id: str, record: "RecordTypeDef", error: Exception) -> None:
        self.foreign += 1
        self._on_foreign(f"{shard_id} {record['SequenceNumber']}: not a prediction ({error})")
