"""What LocalStack does with failures, the simulator does: the scenarios of both, here in the simulator."""

import time
from collections.abc import Callable
from typing import Any, cast

import pytest

from pricing.manifest import CHAMPION_KEY, manifest_key, model_key
from pricing.prediction import decode
from tests.chaos.champions import FIRST
from tests.chaos.handler import DEAD_LETTERS, MODELS, PREDICTIONS, cold_start
from tests.chaos.threads import InLine
from tests.scenarios import DENIED, Denied, Outcome, Scenario, SickStream, test_what_comes_of
from tests.simulator.clock import SimulatedClock
from tests.simulator.destination import OnFailure
from tests.simulator.faults import service_error
from tests.simulator.function import Function
from tests.simulator.kinesis import FakeKinesis
from tests.simulator.mapping import EventSourceMapping
from tests.simulator.s3 import FakeS3
from tests.simulator.settings import Settings
from tests.simulator.stream import Stream

__all__ = ["test_what_comes_of"]


class SickKinesis:
    """A client of a simulated Kinesis behind a sick stream."""

    def __init__(self, kinesis: FakeKinesis, sick: SickStream) -> None:
        self._kinesis, self._sick = kinesis, sick

    def put_records(self, *, StreamName: str, Records: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        def forward(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
            answers: list[dict[str, Any]] = self._kinesis.put_records(StreamName=StreamName, Records=entries)["Records"]
            return answers

        try:
            return self._sick.put(Records, [entry["Data"] for entry in Records], forward)
        except Denied:
            raise service_error("PutRecords", DENIED, 400) from None


@pytest.fixture
def run() -> Callable[[Scenario], Outcome]:
    """Runs a scenario in a simulated account of its own."""
    return simulate


def simulate(scenario: Scenario) -> Outcome:
    clock, sick = SimulatedClock(), SickStream(scenario)
    listings, predictions, s3 = Stream("listings"), Stream(PREDICTIONS), FakeS3(clock)
    for key, body in (
        (model_key(FIRST.version), FIRST.model),
        (manifest_key(FIRST.version), FIRST.manifest),
        (CHAMPION_KEY, FIRST.pointer),
    ):
        s3.store(MODELS, key, body)
    for data in scenario.payloads:
        assert listings.accept(data, "one", clock.time())
    kinesis = cast("FakeKinesis", SickKinesis(FakeKinesis(clock, [predictions]), sick))
    scorer = cold_start(clock, kinesis, s3, publishing=InLine(), modelling=InLine())

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        time.sleep(0.002)  # predictions say the time in milliseconds, and by it invocations are told apart
        return scorer(event, context)

    settings = Settings(
        batch_size=scenario.batch_size, maximum_retry_attempts=scenario.retries, report_batch_item_failures=True
    )
    EventSourceMapping(
        clock,
        listings,
        Function(clock, lambda: handler),
        settings,
        on_failure=OnFailure(s3, DEAD_LETTERS, clock),
    ).run()
    parked = [s3.objects[DEAD_LETTERS, key].body for key in s3.keys(DEAD_LETTERS, "aws/lambda/")]
    return sick.outcome([decode(record.data) for record in predictions.records()], parked)
