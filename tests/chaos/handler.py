"""The production handler, unchanged, on fakes: the one place that knows how it is put together."""

from collections import Counter
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, cast

from lambdas.score import ADDRESSES, CONNECT_TIMEOUT, Scorer, Settings, read_timeout
from lambdas.scoring.challenger import Challenger
from lambdas.scoring.champion import Champion
from lambdas.scoring.dead_letters import DeadLetters
from lambdas.scoring.publish import OutputStream
from tests.chaos.threads import SlowThreads
from tests.simulator.clock import SimulatedClock
from tests.simulator.kinesis import FakeKinesis
from tests.simulator.s3 import FakeS3

MODELS, DEAD_LETTERS, PREDICTIONS = "models", "dead-letters", "predictions"
SETTINGS = Settings.read(
    {
        "BELO_PREDICTIONS_STREAM": PREDICTIONS,
        "BELO_MODELS_BUCKET": MODELS,
        "BELO_DEAD_LETTERS_BUCKET": DEAD_LETTERS,
    }
)
MARGIN = SETTINGS.deadline_margin_ms / 1000  # seconds
# Seconds after which the function's client gives a request up, where no address of the endpoint can be connected to.
KINESIS_READ_TIMEOUT = CONNECT_TIMEOUT * ADDRESSES + read_timeout(MARGIN)


@dataclass(slots=True)
class Telemetry:
    """Stands where the handler prints: how often it reported, and how often with a model that does not serve."""

    lines: int = 0
    champion_refused: int = 0
    challenger_dropped: int = 0

    def write(self, text: str) -> None:
        """Take what is printed."""
        self.lines += "_aws" in text
        self.champion_refused += '"ChampionRefused":1' in text
        self.challenger_dropped += '"ChallengerDropped":1' in text

    def flush(self) -> None:
        """Nothing is held back."""


@dataclass(slots=True)
class Environment:
    """A handler that notes how long models held up an invocation, at most.

    `held_up`: seconds "at the start", until it has served for the first time, and "later".
    """

    scorer: Scorer
    threads: SlowThreads
    held_up: Counter[str]
    _phase: str = field(default="at the start", init=False)

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Score a batch."""
        before = self.threads.waited
        try:
            answer = self.scorer(event, context)
        finally:
            self.held_up[self._phase] = max(self.held_up[self._phase], self.threads.waited - before)
        self._phase = "later"
        return answer


def cold_start(
    clock: SimulatedClock, kinesis: FakeKinesis, s3: FakeS3, *, publishing: Executor, modelling: Executor
) -> Scorer:
    """Return the handler as a fresh execution environment has it; `modelling` runs what it does with models."""
    kinesis_client, s3_client = cast("Any", kinesis), cast("Any", s3)
    clocks: Any = {"poll_seconds": SETTINGS.champion_poll_seconds, "clock": clock.time}
    return Scorer(
        Champion(s3_client, MODELS, pool=modelling, **clocks),
        OutputStream(kinesis_client, PREDICTIONS, pool=publishing, clock=clock.monotonic, sleep=clock.sleep),
        DeadLetters(s3_client, DEAD_LETTERS),
        deadline_margin=MARGIN,
        challenger=Challenger(s3_client, MODELS, pool=modelling, **clocks),
        clock=clock.monotonic,
    )
