"""One simulated account with the production handler in it."""

import contextlib
import math
import random
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from lambdas.score import READ_TIMEOUT
from pricing.manifest import CHAMPION_KEY, manifest_key, model_key
from tests.champions import TinyChampion
from tests.chaos.handler import (
    DEAD_LETTERS,
    KINESIS_READ_TIMEOUT,
    MODELS,
    PREDICTIONS,
    Environment,
    Telemetry,
    cold_start,
)
from tests.chaos.submissions import Entry, Submission
from tests.chaos.threads import InLine, SlowThreads
from tests.simulator.clock import SimulatedClock
from tests.simulator.destination import OnFailure
from tests.simulator.faults import Faults, no_faults
from tests.simulator.function import Function
from tests.simulator.kinesis import FakeKinesis
from tests.simulator.mapping import EventSourceMapping
from tests.simulator.s3 import FakeS3
from tests.simulator.settings import Settings
from tests.simulator.stream import Stream

SIX_HOURS, TWO_DAYS = 6 * 3600, 48 * 3600
MIDNIGHT = datetime(2025, 11, 25, tzinfo=UTC).timestamp()
Position = tuple[str, str, int]  # a shard's id, a sequence number, and the index in an aggregate


@dataclass(frozen=True, slots=True)
class Shape:
    """How the account is laid out; the limits of age and retention are those of the design."""

    shards: int = 4
    batch_size: int = 1_000
    parallelization_factor: int = 2
    bisect: bool = True
    output_shards: int = 24
    patient: bool = False  # the function's clients wait for ever


@dataclass
class World:
    """Streams, buckets, the function and its mapping on one clock, a minute before midnight, UTC. `seed` and
    `faults` decide everything."""

    seed: int = 0
    faults: Faults = no_faults
    shape: Shape = field(default_factory=Shape)
    publishing: Executor = field(default_factory=InLine)

    def __post_init__(self) -> None:
        random.seed(self.seed)  # the publisher's jitter
        shape = self.shape
        self.clock = SimulatedClock(start=MIDNIGHT - 60)
        self.began = datetime.now(UTC)  # predictions bear the time of a real clock
        self.telemetry = Telemetry()
        self.submitted: dict[Position, Submission] = {}
        self._latest = self.clock.time()  # arrival
        self.listings = Stream("listings", shape.shards, limited=False, retention=TWO_DAYS)
        self.predictions = Stream(PREDICTIONS, shape.output_shards)
        patience = [math.inf] * 2 if shape.patient else [READ_TIMEOUT, KINESIS_READ_TIMEOUT]
        self.s3 = FakeS3(self.clock, faults=self.faults, read_timeout=patience[0])
        self.kinesis = FakeKinesis(self.clock, [self.predictions], faults=self.faults, read_timeout=patience[1])
        self.threads = SlowThreads(self.clock, self.faults)
        self.held_up: Counter[str] = Counter()
        self.function = Function(self.clock, self._environment, timeout=60, faults=self.faults)
        settings = Settings(
            batch_size=shape.batch_size,
            parallelization_factor=shape.parallelization_factor,
            maximum_record_age=SIX_HOURS,
            bisect_batch_on_function_error=shape.bisect,
            report_batch_item_failures=True,
        )
        on_failure = OnFailure(self.s3, DEAD_LETTERS, self.clock, seed=self.seed)
        self.mapping = EventSourceMapping(
            self.clock, self.listings, self.function, settings, on_failure=on_failure, seed=self.seed
        )

    def _environment(self) -> Environment:
        pools: dict[str, Executor] = {"publishing": self.publishing, "modelling": self.threads}
        scorer = cold_start(self.clock, self.kinesis, self.s3, **pools)
        return Environment(scorer, self.threads, self.held_up)

    def submit(self, entries: Iterable[Entry], over: float = 0.0) -> None:
        """Put entries on the input stream in the coming seconds."""
        every = list(entries)
        begin = max(self.clock.time(), self._latest)
        for count, entry in enumerate(every):
            self._latest = begin + over * count / len(every)
            record = self.listings.accept(entry.data, entry.partition_key, self._latest)
            assert record is not None
            for index, part in enumerate(entry.parts):
                self.submitted[record.shard_id, record.sequence_number, index] = part

    def promote(self, champion: TinyChampion, key: str = CHAMPION_KEY) -> None:
        """Write a version and let the pointer at `key` point to it, behind everybody's back."""
        self.s3.store(MODELS, model_key(champion.version), champion.model)
        self.s3.store(MODELS, manifest_key(champion.version), champion.manifest)
        self.s3.store(MODELS, key, champion.pointer)

    def run(self, seconds: float | None = None) -> None:
        """Let the mapping work for some time, or until it has nothing left to do."""
        with contextlib.redirect_stdout(cast("Any", self.telemetry)):
            if seconds is None:
                self.mapping.run()
            else:
                self.mapping.run(until=self.clock.time() + seconds)

    def restart_pollers(self, forgotten: int) -> None:
        """Every shard is read again from its checkpoint, or from a number of records before it."""
        for shard in self.listings.shards:
            self.mapping.rewind(shard, to=max(0, self.mapping.checkpoint(shard) - forgotten))

    @property
    def injected(self) -> int:
        """How many faults have struck."""
        return sum(each.injected.total() for each in (self.kinesis, self.s3, self.function, self.threads))
