"""The main job: listing events in, predictions out.

decode and validate -> predict (one matrix a batch) -> encode -> publish, with one side exit, the dead letter.
Every event of a batch ends as a prediction or a dead letter before the invocation reports success; what
could not be published in time is reported, and Lambda replays it.
"""

import functools
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from lambdas.aws.batch import Batch
from lambdas.aws.clients import ADDRESSES, CONNECT_TIMEOUT, READ_TIMEOUT, kinesis_client, s3_client
from lambdas.aws.telemetry import emit
from lambdas.scoring.challenger import Challenger
from lambdas.scoring.champion import POLL_SECONDS, Champion
from lambdas.scoring.dead_letters import DeadLetters
from lambdas.scoring.decode import Refused, decode_batch
from lambdas.scoring.encode import encode
from lambdas.scoring.predict import predict
from lambdas.scoring.publish import CONNECTIONS, OutputStream
from lambdas.settings import number, required
from lambdas.starting import at_start
from pricing.answer.warnings import WARNINGS
from pricing.model import Priced

DEADLINE_MARGIN_MS = 15_000
WARNING_METRICS = {name: name.title().replace("_", "") for name in WARNINGS}  # UnknownNeighborhood …


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of `score`; each field's variable is BELO_ and the field's name in capitals."""

    predictions_stream: str
    models_bucket: str
    dead_letters_bucket: str
    champion_poll_seconds: float
    deadline_margin_ms: int  # kept back from the invocation's time: as long as a last request may take

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Settings":
        """Return the settings; raises `MissingSetting` naming the variable."""
        return cls(
            predictions_stream=required(environment, "BELO_PREDICTIONS_STREAM"),
            models_bucket=required(environment, "BELO_MODELS_BUCKET"),
            dead_letters_bucket=required(environment, "BELO_DEAD_LETTERS_BUCKET"),
            champion_poll_seconds=number(environment, "BELO_CHAMPION_POLL_SECONDS", POLL_SECONDS),
            deadline_margin_ms=int(number(environment, "BELO_DEADLINE_MARGIN_MS", DEADLINE_MARGIN_MS)),
        )


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's, untyped
    """Score a batch of the input stream; what Lambda calls."""
    return _scorer()(event, context)


def read_timeout(margin: float) -> float:
    """Return how long a PutRecords may be silent, in seconds, so that one begun at the deadline ends within the margin.

    Long enough for a busy stream, and no longer: a connection that died while Lambda had frozen the process is found
    out by it. Connecting takes its time-out for every address that the endpoint has.
    """
    return min(READ_TIMEOUT, max(1.0, margin - CONNECT_TIMEOUT * ADDRESSES - 1))


@functools.cache
def _scorer() -> "Scorer":
    settings = Settings.read(os.environ)
    s3 = s3_client()
    kinesis = kinesis_client(
        read_timeout=read_timeout(settings.deadline_margin_ms / 1000),
        connections=CONNECTIONS,
    )
    champion = Champion(s3, settings.models_bucket, poll_seconds=settings.champion_poll_seconds)
    champion.prepare()
    return Scorer(
        champion,
        OutputStream(kinesis, settings.predictions_stream),
        DeadLetters(s3, settings.dead_letters_bucket),
        challenger=Challenger(s3, settings.models_bucket, poll_seconds=settings.champion_poll_seconds),
        deadline_margin=settings.deadline_margin_ms / 1000,
    )


class Scorer:
    """The handler with everything it talks to."""

    def __init__(
        self,
        champion: Champion,
        publisher: OutputStream,
        dead_letters: DeadLetters,
        *,
        challenger: Challenger,
        deadline_margin: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._champion = champion
        self._publisher = publisher
        self._dead_letters = dead_letters
        self._challenger = challenger
        self._deadline_margin = deadline_margin
        self._clock = clock

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401
        """Score a batch; return Lambda's partial batch response, lowest position first.

        Raises, so that the whole batch is replayed, where there is no champion or the dead letters cannot
        be written.
        """
        deadline = self._clock() + context.get_remaining_time_in_millis() / 1000 - self._deadline_margin
        batch = Batch.of(event)
        model = self._champion.current()
        submitted, refused = decode_batch(batch, model.decode)
        submitted, priced, unscorable = predict(batch, submitted, model)
        shadows = self._challenger.shadows(priced.homes)
        outgoing = encode(submitted, priced, model.manifest, shadows)
        refused += unscorable
        self._dead_letters.write(batch, refused)
        unpublished = self._publisher.publish(outgoing, deadline)
        self._report(batch, model.manifest.version, priced, refused, unpublished)
        return {"batchItemFailures": [{"itemIdentifier": batch.sequence_number(each)} for each in unpublished]}

    def _report(
        self, batch: Batch, version: str, priced: Priced, refused: list[Refused], unpublished: list[int]
    ) -> None:
        oldest = batch.arrived_at(0)
        dropped = self._challenger.dropped
        warned = Counter(chain.from_iterable(priced.warnings))
        emit(
            "score",
            {
                "Records": len(batch.records),
                "Predictions": len(priced.homes),
                "DeadLetters": len(refused),
                "Unpublished": len(unpublished),
                **{metric: warned[name] for name, metric in WARNING_METRICS.items()},
                "ChampionRefused": int(self._champion.refused is not None),
                "ChallengerDropped": int(dropped is not None),
                "Latency": (datetime.now(UTC) - oldest).total_seconds() * 1000,
            },
            {"Latency": "Milliseconds"},
            shard_id=batch.shard_id,
            first_sequence_number=batch.sequence_number(0),
            model_version=version,
            champion_refused=self._champion.refused,
            challenger_dropped=dropped,
            dead_letter_reasons=Counter(each.reason for each in refused),
        )


at_start(__name__, _scorer)
