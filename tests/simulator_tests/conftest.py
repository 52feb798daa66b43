"""A stream, a bucket and a mapping on one simulated clock."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from tests.simulator.clock import SimulatedClock
from tests.simulator.destination import OnFailure
from tests.simulator.faults import Faults, no_faults
from tests.simulator.function import Function
from tests.simulator.mapping import EventSourceMapping
from tests.simulator.s3 import FakeS3
from tests.simulator.settings import Settings as MappingSettings
from tests.simulator.stream import Stream

Handle = Callable[[list[str]], Any]


class Stage:
    """Puts texts on a stream and notes which texts each invocation saw, and when."""

    def __init__(self) -> None:
        self.clock = SimulatedClock(start=1_000_000.0)
        self.start = self.clock.time()
        self.stream = Stream("listings", limited=False)
        self.s3 = FakeS3(self.clock)
        self.seen: list[list[str]] = []
        self.times: list[float] = []
        self.numbers: dict[str, str] = {}
        self.mapping: EventSourceMapping
        self.function: Function

    def put(self, *texts: str, key: str = "k", at: float = 0.0) -> None:
        """Put records; `at` is seconds after the start."""
        for text in texts:
            record = self.stream.accept(text.encode(), key, self.start + at)
            assert record is not None
            self.numbers[text] = record.sequence_number

    def run(
        self,
        handle: Handle,
        *,
        faults: Faults = no_faults,
        timeout: float = 60,
        until: float = math.inf,
        **settings: Any,
    ) -> None:
        """Process the stream with a handler of texts; every invocation takes as long as `handle` sleeps."""
        self.function = Function(self.clock, lambda: self._noting(handle), timeout=timeout, faults=faults)
        self.mapping = EventSourceMapping(
            self.clock,
            self.stream,
            self.function,
            MappingSettings(**settings),
            on_failure=OnFailure(self.s3, "parked", self.clock),
        )
        self.mapping.run(until)

    def failing(self, *texts: str) -> dict[str, Any]:
        """The response that reports these texts as failed."""
        return {"batchItemFailures": [{"itemIdentifier": self.numbers[text]} for text in texts]}

    @property
    def parked(self) -> list[str]:
        """The texts that Lambda has given up on."""
        return [record.data.decode() for record in self.mapping.parked]

    def _noting(self, handle: Handle) -> Callable[[dict[str, Any], Any], Any]:
        def handler(event: dict[str, Any], _: Any) -> Any:
            texts_of = {number: text for text, number in self.numbers.items()}
            texts = [texts_of[record["kinesis"]["sequenceNumber"]] for record in event["Records"]]
            self.seen.append(texts)
            self.times.append(self.clock.time() - self.start)
            return handle(texts)

        return handler


@pytest.fixture
def stage() -> Stage:
    return Stage()
