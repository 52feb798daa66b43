"""The production handler, unchanged, on fakes: the one place that knows how it is put together."""

from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, cast

from lambdas.champion import Champion
from lambdas.dead_letters import DeadLetters
from lambdas.publisher import Publisher
from lambdas.score import CONNECT_TIMEOUT, Scorer
from lambdas.settings import Settings
from lambdas.shadow import Challenger
from tests.chaos.threads import InLine
from tests.simulator import FakeKinesis, FakeS3, SimulatedClock

MODELS, DEAD_LETTERS, PREDICTIONS = "models", "dead-letters", "predictions"
SETTINGS = Settings(PREDICTIONS, MODELS, DEAD_LETTERS)
MARGIN = SETTINGS.deadline_margin_ms / 1000  # seconds
S3_READ_TIMEOUT, KINESIS_READ_TIMEOUT = (
    5.0,
    MARGIN - CONNECT_TIMEOUT - 1,
)  # seconds, as the function's clients have them


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


def cold_start(
    clock: SimulatedClock, kinesis: FakeKinesis, s3: FakeS3, *, publishing: Executor, challenging: Executor
) -> Scorer:
    """Return the handler as a fresh execution environment has it; the champion is loaded in line."""
    kinesis_client, s3_client = cast("Any", kinesis), cast("Any", s3)
    clocks: Any = {"poll_seconds": SETTINGS.champion_poll_seconds, "clock": clock.monotonic}
    return Scorer(
        Champion(s3_client, MODELS, pool=InLine(), **clocks),
        Publisher(kinesis_client, PREDICTIONS, pool=publishing, clock=clock.monotonic, sleep=clock.sleep),
        DeadLetters(s3_client, DEAD_LETTERS),
        deadline_margin=MARGIN,
        challenger=Challenger(s3_client, MODELS, pool=challenging, **clocks),
        clock=clock.monotonic,
    )
