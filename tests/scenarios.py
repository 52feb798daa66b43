"""Failures, and what must come of them: told once, for the simulator of the event source mapping and for LocalStack.

Everything goes wrong at the output stream, because there both can be made to fail alike: it refuses one prediction,
or it denies the whole call, and then the function raises. Nothing here is bisected, which LocalStack does not do.
"""

import json
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from pricing.prediction import PredictionEvent, decode
from tests.events import payload

REFUSED = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "refused on purpose"}
DENIED = "AccessDeniedException"  # waiting cannot mend it, so the function raises

Entry = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What came of a scenario, by the listings' numbers."""

    batches: list[list[int]]  # what each invocation was given
    delivered: list[int]  # how often each listing stands on the output stream, always under the same id
    parked: list[tuple[list[int], str, int]]  # of each object the records, the condition, the invocations


@dataclass(frozen=True)
class Scenario:
    """Listings 0 to `count` - 1, published in order to one shard; the first `sick` invocations fare ill.

    The output stream refuses the prediction of listing `refused` in them; where that is None, it denies the call.
    """

    name: str
    count: int
    sick: int
    retries: int  # -1: until it succeeds
    outcome: Outcome
    refused: int | None = None
    batch_size: int = 100

    @property
    def payloads(self) -> list[bytes]:
        """The records, in order."""
        return [payload(self.listing(number)) for number in range(self.count)]

    def listing(self, number: int) -> str:
        """Return the id of a listing."""
        return f"{self.name}-{number}"

    def number(self, listing_id: str) -> int:
        """Return the number of a listing."""
        return int(listing_id.removeprefix(f"{self.name}-"))


def numbers(*bounds: int) -> list[int]:
    return list(range(*bounds))


SCENARIOS = [
    Scenario(
        "refused-for-a-while",
        count=20,
        sick=2,
        refused=12,
        retries=-1,
        outcome=Outcome(
            batches=[numbers(20), numbers(12, 20), numbers(12, 20)],
            delivered=[1] * 13 + [3] * 7,  # what stands before the refused one was checkpointed, the rest replayed
            parked=[],
        ),
    ),
    Scenario(
        "refused-too-often",
        count=8,
        sick=2,
        refused=3,
        retries=1,
        outcome=Outcome(
            batches=[numbers(8), numbers(3, 8)],
            delivered=[1, 1, 1, 0, 2, 2, 2, 2],
            parked=[(numbers(3, 8), "RetryAttemptsExhausted", 2)],
        ),
    ),
    Scenario(
        "failing-for-a-while",
        count=6,
        sick=2,
        retries=2,
        outcome=Outcome(batches=[numbers(6)] * 3, delivered=[1] * 6, parked=[]),
    ),
    Scenario(
        "failing-too-often",
        count=10,
        batch_size=5,
        sick=3,
        retries=2,
        outcome=Outcome(
            batches=[numbers(5)] * 3 + [numbers(5, 10)],  # the shard goes on behind what was parked, and not before
            delivered=[0] * 5 + [1] * 5,
            parked=[(numbers(5), "RetryAttemptsExhausted", 3)],
        ),
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
def test_what_comes_of(scenario: Scenario, run: Callable[[Scenario], Outcome]) -> None:
    """Both import it; each brings its own `run`."""
    found = run(scenario)
    assert found == scenario.outcome, found


class Denied(Exception):
    """The call as a whole is denied."""


@dataclass
class SickStream:
    """Stands before an output stream and fails as a scenario says; remembers what each invocation brought."""

    scenario: Scenario
    _brought: dict[str, list[int]] = field(default_factory=dict)  # by the time that the predictions say

    def put(
        self, entries: Sequence[Entry], payloads: Sequence[bytes], forward: Callable[[list[Entry]], list[Entry]]
    ) -> Entry:
        """Answer PutRecords; `forward` stores entries and returns their answers. Raises `Denied`."""
        refused = self._refused([decode(each) for each in payloads])
        passed = [entry for entry, out in zip(entries, refused, strict=True) if not out]
        taken = iter(forward(passed) if passed else [])
        records = [REFUSED if out else next(taken) for out in refused]
        return {"FailedRecordCount": sum(refused), "Records": records}

    def _refused(self, events: list[PredictionEvent]) -> list[bool]:
        brought = self._brought.setdefault(events[0].time, [])  # all of one invocation say the same time
        listings = [self.scenario.number(event.subject) for event in events]
        brought += [each for each in listings if each not in brought]
        sick = list(self._brought).index(events[0].time) < self.scenario.sick
        if sick and self.scenario.refused is None:
            raise Denied
        return [sick and each == self.scenario.refused for each in listings]

    def outcome(self, predictions: Sequence[PredictionEvent], parked: Sequence[bytes]) -> Outcome:
        """Return what came of it: `predictions` on the output stream, `parked` objects in the dead-letters bucket."""
        assert len({event.id for event in predictions}) == len({event.subject for event in predictions})
        times = Counter(self.scenario.number(event.subject) for event in predictions)
        return Outcome(
            batches=list(self._brought.values()),
            delivered=[times[number] for number in range(self.scenario.count)],
            parked=[self._parked(json.loads(each)) for each in parked],
        )

    def _parked(self, document: Entry) -> tuple[list[int], str, int]:
        event = document["payload"]  # AWS writes it as text, LocalStack as it is
        records = (json.loads(event) if isinstance(event, str) else event)["Records"]
        assert document["KinesisBatchInfo"]["batchSize"] == len(records)
        published = self.scenario.payloads
        context = document["requestContext"]
        held = [published.index(b64decode(record["kinesis"]["data"])) for record in records]
        return held, context["condition"], context["approximateInvokeCount"]
