"""Publishing to a stream: full requests, several in flight, the order of every listing kept.

PutRecords promises no order within a request, and requests in flight overtake each other. So a partition key
never stands twice in what is in flight: a record waits until the one before it, under its key, has been
taken.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from botocore.config import Config
from msgspec import Struct

from lambdas.aws.put_records import MAX_BYTES, MAX_RECORDS
from lambdas.aws.quick_puts import QUICK, quicken
from pricing.market import Market
from pricing.refusal import InvalidRecord
from stream_producer.listing_records import Records, Submission
from stream_producer.rate_limit import Pace
from stream_producer.records import Record, events_in
from stream_producer.sender import Sender, Sent

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

    from terminal.stack import Stack

REQUESTS_IN_FLIGHT = 4  # enough to hide the network
PATIENCE = 60.0  # seconds
SOURCE = "/python"  # of the events made here
FAST = Config(retries={"total_max_attempts": 1}).merge(QUICK)  # for the client: retries happen here only
MOST_WAITING = 5_000  # records behind others of their key, before reading stops

Accepted = Callable[[list[Record]], object]


class PublishOutcome(Struct, frozen=True):
    """How a run ended; counts are of events. `error` is why the first of those that failed did.

    `complete` is false where the run was stopped, or gave up, before the end of its records.
    """

    published: int
    failed: int
    retried: int
    complete: bool
    error: str


def publishing_client(stack: "Stack") -> "KinesisClient":
    """Return a client of a stack's streams for a `Publisher`, which tries again by itself."""
    return quicken(stack.client("kinesis", FAST))


class Publisher:
    """A stream to publish to.

        outcome = Publisher(kinesis, "listings").publish(
            [{"listing_id": "L-1", "neighborhood": "Centro", "area_m2": 80, "rooms": 3}]
        )
        assert outcome.complete, outcome.error

    `rate` limits to that many events a second, evenly. `in_flight` requests run at a time. A record that the
    stream refuses for `patience` seconds on end, or for a reason that waiting cannot mend (no such stream, no
    permission), is given up, and the run ends there. Listings that are no events yet become events of
    `source`; a `market` may have columns beyond those of every listing.
    """

    def __init__(
        self,
        kinesis: "KinesisClient",
        stream: str,
        *,
        rate: float | None = None,
        in_flight: int = REQUESTS_IN_FLIGHT,
        patience: float = PATIENCE,
        source: str = SOURCE,
        market: Market | None = None,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        """Publish with a client; `clock` and `wait` stand in for the machine's where time is simulated."""
        self._kinesis = kinesis
        self._stream = stream
        self._submissions = Records(source, market.columns if market else {})
        self._rate = rate
        self._in_flight = in_flight
        self._patience = patience
        self._clock = clock
        self._wait = wait
        self._stopped = False
        self._stops: set[threading.Event] = set()  # of the runs under way

    def publish(
        self,
        items: Iterable[Record | Submission | None],
        on_accepted: Accepted = lambda _: None,
        on_invalid: Callable[[Submission, InvalidRecord], object] | None = None,
    ) -> PublishOutcome:
        """Publish listings, events, dicts of either, or records; return when each has been taken or given up.

        The order of a listing's events is kept within a call. A None among them says that the next may be long in
        coming: what is held back for a fuller request goes out. `on_accepted` is called, in this thread, with records
        that the stream has taken; those of one partition key come in order. What is no valid listing is told to
        `on_invalid` and left out; without it `InvalidRecord`, which names the field and the value, is raised after what
        came before has been published, and says how that ended.
        """
        stop = threading.Event()
        self._stops.add(stop)
        if self._stopped:
            stop.set()
        sender = Sender(
            self._kinesis, self._stream, patience=self._patience, stop=stop, clock=self._clock, wait=self._wait
        )
        records = _Records(items, self._submissions, on_invalid)
        try:
            with ThreadPoolExecutor(self._in_flight) as pool:
                run = _Run(iter(records), sender, pool, Pace(self._rate), stop, on_accepted)
                try:
                    outcome = run.outcome(self._in_flight)
                except BaseException:
                    stop.set()  # nobody waits for what is still being tried again
                    raise
        finally:
            self._stops.discard(stop)
        if records.refused:
            why = f", {outcome.failed} were not ({outcome.error})" if outcome.failed else ""
            records.refused.add_note(f"of those before it {outcome.published} were published{why}")
            raise records.refused
        return outcome

    def stop(self) -> None:
        """End all runs early, from a signal handler or another thread: what is in flight is finished."""
        self._stopped = True
        for stop in list(self._stops):
            stop.set()


class _Records:
    """Items as records, up to the first that is no valid listing, which is then `refused`."""

    def __init__(
        self,
        items: Iterable[Record | Submission | None],
        submissions: Records,
        on_invalid: Callable[[Submission, InvalidRecord], object] | None,
    ) -> None:
        self._items = items
        self._submissions = submissions
        self._on_invalid = on_invalid
        self.refused: InvalidRecord | None = None

    def __iter__(self) -> Iterator[Record | None]:
        for item in self._items:
            if item is None or isinstance(item, Record):
                yield item
                continue
            try:
                yield self._submissions.of(item)
            except InvalidRecord as error:
                if self._on_invalid is None:
                    self.refused = error
                    return
                self._on_invalid(item, error)


class _Run:
    """One run of a publisher: what waits, what is in flight, what has been counted."""

    def __init__(
        self,
        records: Iterator[Record | None],
        sender: Sender,
        pool: ThreadPoolExecutor,
        pace: Pace,
        stop: threading.Event,
        on_accepted: Accepted,
    ) -> None:
        self._records = records
        self._sender = sender
        self._pool = pool
        self._pace = pace
        self._stop = stop
        self._on_accepted = on_accepted
        self._over = False
        self._taken: set[str] = set()  # keys of what is in flight or ready
        self._ready: deque[Record] = deque()
        self._waiting: dict[str, deque[Record]] = {}  # behind others, by key
        self._number_waiting = 0
        self._pending: set[Future[Sent]] = set()
        self._published = self._failed = self._retried = 0
        self._error = ""

    def outcome(self, in_flight: int) -> PublishOutcome:
        while True:
            request, events = self._fill()
            if request:
                self._pace.wait(events, self._stop)
                self._pending.add(self._pool.submit(self._sender.send, request))
            if not self._pending and (self._over or self._stop.is_set()):
                break
            if len(self._pending) == in_flight or (self._pending and not request):
                self._settle()
        complete = self._over and not self._failed and not self._taken
        return PublishOutcome(self._published, self._failed, self._retried, complete, self._error)

    def _fill(self) -> tuple[list[Record], int]:
        """Return the records of the next request, and how many events they carry."""
        request: list[Record] = []
        size = events = 0
        while len(request) < MAX_RECORDS and events < self._pace.most and not self._stop.is_set():
            record = self._next()
            if record is None:
                break
            size += record.weight()
            if request and size > MAX_BYTES:
                self._ready.appendleft(record)
                break
            request.append(record)
            events += len(record.positions)
        return request, events

    def _next(self) -> Record | None:
        """Return the next record whose key is free, or None where there is none just now."""
        if self._ready:
            return self._ready.popleft()
        while not self._over and self._number_waiting < MOST_WAITING:
            try:
                record = next(self._records)
            except StopIteration:
                self._over = True
                break
            if record is None:
                break
            key = record.partition_key
            if key not in self._taken:
                self._taken.add(key)
                return record
            self._waiting.setdefault(key, deque()).append(record)
            self._number_waiting += 1
        return None

    def _settle(self) -> None:
        done, self._pending = wait(self._pending, return_when=FIRST_COMPLETED)
        for future in done:
            sent = future.result()
            self._retried += sent.retried
            self._published += events_in(sent.accepted)
            if sent.refused:
                self._failed += events_in(sent.refused)
                self._error = self._error or sent.error  # what fails later may only have been stopped
                self._stop.set()
            for record in sent.request:
                self._release(record.partition_key)
            self._on_accepted(sent.accepted)

    def _release(self, key: str) -> None:
        queue = self._waiting.get(key)
        if queue is None:
            self._taken.discard(key)
            return
        self._ready.append(queue.popleft())
        self._number_waiting -= 1
        if not queue:
            del self._waiting[key]
