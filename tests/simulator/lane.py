"""One order of processing within a shard, and how batches are cut from it."""

import math
from collections import deque
from dataclasses import dataclass, field

from tests.simulator.events import MAX_EVENT_BYTES, bytes_in_event
from tests.simulator.settings import Settings
from tests.simulator.stream import Record


@dataclass(frozen=True, slots=True)
class Batch:
    """Records to be given to the function together, in order. `retries`: how much of the quota is spent;
    `failures`: failed invocations in a row, for the pause; `invocations`: all of them."""

    records: tuple[Record, ...]
    retries: int = 0
    failures: int = 0
    invocations: int = 0


@dataclass(slots=True)
class Lane:
    """A queue of records of one shard that are processed strictly one batch after another.

    A shard has as many lanes as its parallelization factor; all records of a partition key are in the same
    one. with-kinesis.html: "When you increase the number of concurrent batches per shard, Lambda still
    ensures in-order processing at the partition-key level." That the key's hash chooses the lane is an
    assumption.
    """

    shard_id: str
    stream_arn: str
    queue: deque[Record] = field(default_factory=deque)
    work: list[Batch] = field(default_factory=list)
    free_at: float = 0.0

    def lowest_position(self) -> int | None:
        """The first position of the shard that this lane has not finished, or None."""
        positions = [record.position for batch in self.work[:1] for record in batch.records[:1]]
        positions += [record.position for record in list(self.queue)[:1] if not positions]
        return positions[0] if positions else None

    def next_start(self, settings: Settings) -> float | None:
        """When the lane's next invocation begins (seconds since the epoch), or None if it has nothing to
        do."""
        if self.work:
            return self.free_at
        return self._closes(settings)[1] if self.queue else None

    def cut(self, settings: Settings) -> Batch:
        """Take the next batch off the queue."""
        size, _ = self._closes(settings)
        batch = Batch(tuple(self.queue.popleft() for _ in range(size)))
        self.work = [batch]
        return batch

    def _closes(self, settings: Settings) -> tuple[int, float]:
        """How many records the next batch has, and when it is complete.

        with-kinesis.html: Lambda reads "until it has gathered a full batch, the batching window expires, or
        the batch reaches the payload limit of 6 MB". That the window opens when the first record is read is
        an assumption.
        """
        opens = self._reads(self.queue[0], settings)
        expires = opens + settings.maximum_batching_window
        size, volume, full_at = 0, 0, opens
        for record in self.queue:
            volume += bytes_in_event(record, self.stream_arn)
            if size and volume > MAX_EVENT_BYTES:
                return size, full_at
            if record.arrived_at > expires:
                return size, expires
            size, full_at = size + 1, max(opens, record.arrived_at)
            if size == settings.batch_size:
                return size, full_at
        return size, expires

    def _reads(self, record: Record, settings: Settings) -> float:
        if record.arrived_at <= self.free_at:
            return self.free_at
        return max(
            self.free_at, math.ceil(record.arrived_at / settings.poll_interval) * settings.poll_interval
        )
