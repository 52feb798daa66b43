"""The production handler, unchanged, on fakes: the one place that knows how it is put together."""

from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any, cast

from lambdas.champion import Champion
from lambdas.dead_letters import DeadLetters
from lambdas.publisher import Publisher
from lambdas.score import Scorer
from lambdas.settings import Settings
from lambdas.shadow import Challenger
from tests.simulator import FakeKinesis, FakeS3, SimulatedClock

MODELS, DEAD_LETTERS, PREDICTIONS = "models", "dead-letters", "predictions"
SETTINGS = Settings(PREDICTIONS, MODELS, DEAD_LETTERS)
MARGIN = SETTINGS.deadline_margin_ms / 1000  # seconds
S3_READ_TIMEOUT, KINESIS_READ_TIMEOUT = 5.0, MARGIN  # seconds, as the function's clients have them


class InLine(Executor):
    """Runs what is submitted at once, in the caller's thread, so that every run is the same."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Return a future that is done."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 # a kill, too, belongs to whoever asks for the result
            future.set_exception(error)
        return future


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


def cold_start(clock: SimulatedClock, kinesis: FakeKinesis, s3: FakeS3, pool: Executor) -> Scorer:
    """Return the handler as a fresh execution environment has it."""
    kinesis_client, s3_client = cast("Any", kinesis), cast("Any", s3)
    clocks: Any = {"poll_seconds": SETTINGS.champion_poll_seconds, "clock": clock.monotonic}
    return Scorer(
        Champion(s3_client, MODELS, **clocks),
        Publisher(kinesis_client, PREDICTIONS, pool=pool, clock=clock.monotonic, sleep=clock.sleep),
        DeadLetters(s3_client, DEAD_LETTERS),
        deadline_margin=MARGIN,
        challenger=Challenger(s3_client, MODELS, pool=pool, **clocks),
        clock=clock.monotonic,
    )
