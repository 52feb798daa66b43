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
    work: deque[Batch] = field(default_factory=deque)
    free_at: float = 0.0

    def lowest_position(self) -> int | None:
        """The first position of the shard that this lane has not finished, or None."""
        if self.work:
            return self.work[0].records[0].position
        return self.queue[0].position if self.queue else None

    def next_start(self, settings: Settings) -> float | None:
        """When the lane's next invocation begins (seconds since the epoch), or None if it has nothing to
        do."""
        if self.work:
            return self.free_at
        return self._closes(settings)[1] if self.queue else None

    def take(self, settings: Settings) -> Batch:
        """Return the batch to work on next: what is left of an earlier one, or the next off the queue."""
        if self.work:
            return self.work.popleft()
        size, _ = self._closes(settings)
        return Batch(tuple(self.queue.popleft() for _ in range(size)))

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
        return max(self.free_at, math.ceil(record.arrived_at / settings.poll_interval) * settings.poll_interval)
