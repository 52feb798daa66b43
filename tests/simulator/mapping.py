"""Lambda's event source mapping for Kinesis: from the records of a stream to invocations of a function."""

import math
import random
from dataclasses import dataclass, replace

from tests.simulator.clock import SimulatedClock
from tests.simulator.destination import RECORD_AGE_EXCEEDED, RETRIES_EXHAUSTED, OnFailure
from tests.simulator.events import event_of
from tests.simulator.function import Answer, Function
from tests.simulator.lane import Batch, Lane
from tests.simulator.responses import first_failure
from tests.simulator.settings import Settings
from tests.simulator.stream import Record, Shard, Stream, hash_key


@dataclass(frozen=True, slots=True)
class Invocation:
    """One line of the mapping's log; times are seconds since the epoch. `retry_from`: None for a success."""

    records: tuple[Record, ...]
    started_at: float
    ended_at: float
    answer: Answer
    retry_from: int | None


class EventSourceMapping:
    """Reads `stream` from its beginning and gives its records to `function`, batch by batch, until each is
    done with.

    A record is done with when an invocation has succeeded on it, when it was discarded to `on_failure` (or
    to nowhere, without one), or when the stream's retention has passed. Deterministic: `seed` breaks ties
    between shards. Invocations that overlap in time run one after another, in the order of their starts;
    what one does is visible to the next even if that began before it ended: an assumption.
    """

    def __init__(
        self,
        clock: SimulatedClock,
        stream: Stream,
        function: Function,
        settings: Settings,
        *,
        on_failure: OnFailure | None = None,
        seed: int = 0,
    ) -> None:
        self._clock, self._stream, self._function = clock, stream, function
        self._settings, self._on_failure = settings, on_failure
        self._random = random.Random(seed)
        self._read: dict[str, int] = {}
        self._lanes: dict[str, list[Lane]] = {}
        self.log: list[Invocation] = []
        self.parked: list[Record] = []
        self.expired: list[Record] = []
        for shard in stream.shards:
            self.rewind(shard, to=0)

    def run(self, until: float = math.inf) -> None:
        """Invoke the function until there is nothing left to do before `until`; the clock ends where the
        last one did."""
        end = self._clock.time()
        while (turn := self._next_turn()) is not None and turn[0] < until:
            start, lane = turn
            self._clock.jump(start)
            self._invoke(lane, lane.take(self._settings))
            end = max(end, self._clock.time())
        self._clock.jump(end if until == math.inf else max(end, until))

    def checkpoint(self, shard: Shard) -> int:
        """The first position of the shard with which the mapping is not done."""
        pending = [lane.lowest_position() for lane in self._lanes[shard.shard_id]]
        return min((position for position in pending if position is not None), default=self._read[shard.shard_id])

    def rewind(self, shard: Shard, to: int | None = None) -> None:
        """Forget what is in hand and read again from `to`, by default the checkpoint, as a restarted poller
        does.

        with-kinesis.html: "event source mappings process each event at least once, and duplicate processing
        of records can occur". That a restart is how it comes about is an assumption.
        """
        self._read[shard.shard_id] = self.checkpoint(shard) if to is None else to
        lanes = [Lane(shard.shard_id, self._stream.arn) for _ in range(self._settings.parallelization_factor)]
        self._lanes[shard.shard_id] = lanes

    def _next_turn(self) -> tuple[float, Lane] | None:
        turns = []
        for shard in self._stream.shards:
            lanes = self._lanes[shard.shard_id]
            for record in shard.records[self._read[shard.shard_id] :]:
                lanes[hash_key(record.partition_key) % len(lanes)].queue.append(record)
            self._read[shard.shard_id] = len(shard.records)
            turns += [(start, lane) for lane in lanes if (start := lane.next_start(self._settings)) is not None]
        soonest = min((start for start, _ in turns), default=math.inf)
        ready = [turn for turn in turns if turn[0] == soonest]
        return self._random.choice(ready) if ready else None

    def _invoke(self, lane: Lane, batch: Batch) -> None:
        batch = self._without_the_old(batch)
        if not batch.records:
            return
        started_at = self._clock.time()
        answer = self._function.invoke(event_of(batch.records, self._stream.arn))
        retry_from = self._retry_from(answer, batch)
        self.log.append(Invocation(batch.records, started_at, self._clock.time(), answer, retry_from))
        left = self._still_to_do(batch, answer, retry_from)
        lane.work.extendleft(reversed(left))
        lane.free_at = self._clock.time() + (self._settings.pause(left[0].failures) if left else 0.0)

    def _without_the_old(self, batch: Batch) -> Batch:
        """Drop what retention has taken, and discard what is older than the maximum record age.

        kinesis-on-failure-destination.html: Lambda retries "until the records expire, exceed the maximum
        age, or reach the configured retry quota", and then "discards the records and continues". That only
        the records that are too old are discarded, not the whole batch with them, is an assumption; so is
        that the age is looked at before each invocation, the first one included.
        """
        now, limit = self._clock.time(), self._settings.maximum_record_age
        fresh: list[Record] = []
        old: list[Record] = []
        for record in batch.records:
            if self._stream.expired(record, now):
                self.expired.append(record)
            elif limit >= 0 and now - record.arrived_at > limit:
                old.append(record)
            else:
                fresh.append(record)
        if old:
            self._discard(replace(batch, records=tuple(old)), RECORD_AGE_EXCEEDED, None)
        return replace(batch, records=tuple(fresh))

    def _retry_from(self, answer: Answer, batch: Batch) -> int | None:
        if answer.error:
            return 0
        return first_failure(answer.response, batch.records) if self._settings.report_batch_item_failures else None

    def _still_to_do(self, batch: Batch, answer: Answer, retry_from: int | None) -> list[Batch]:
        """What is left of a batch after an invocation, in order.

        services-kinesis-batchfailurereporting.html: on a partial success "Lambda retries only the remaining
        records"; "if your invocation fails and BisectBatchOnFunctionError is turned on, the batch is
        bisected regardless of your ReportBatchItemFailures setting". kinesis-on-failure-destination.html:
        "Splitting batches doesn't consume the retry quota"; an invocation that could not begin is retried
        "until the records expire or exceed the maximum age". Assumptions: without bisecting a partial
        success spends a retry; a response that names the first record is bisected as a failed invocation
        is; a batch is halved, the smaller half first; halves inherit the retries spent.
        """
        if retry_from is None:
            return []
        if not answer.invoked:
            return [replace(batch, failures=batch.failures + 1)]
        bisect = self._settings.bisect_batch_on_function_error
        left = replace(batch, records=batch.records[retry_from:], invocations=batch.invocations + 1)
        left = replace(left, failures=1 if retry_from else batch.failures + 1)
        if bisect and retry_from:
            return [left]
        if bisect and len(left.records) > 1:
            middle = len(left.records) // 2
            return [
                replace(left, records=left.records[:middle]),
                replace(left, records=left.records[middle:]),
            ]
        quota = self._settings.maximum_retry_attempts
        if 0 <= quota <= left.retries:
            self._discard(left, RETRIES_EXHAUSTED, answer)
            return []
        return [replace(left, retries=left.retries + 1)]

    def _discard(self, batch: Batch, condition: str, last: Answer | None) -> None:
        self.parked += batch.records
        if self._on_failure is not None:
            self._on_failure.park(batch, self._stream, self._function.arn, condition, last)
