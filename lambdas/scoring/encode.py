"""Encode: priced listings as prediction events, ready to be published."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import repeat

from msgspec import Struct

from lambdas.aws.batch import Batch
from lambdas.scoring.predict import Priced
from lambdas.scoring.publish import Outgoing
from pricing import prediction
from pricing.listing import partition_key
from pricing.manifest import Manifest
from pricing.prediction import Interval, ModelVersion, Prediction, PredictionEvent, Shadow, SourcePosition


def encode(
    priced: list[Priced], batch: Batch, manifest: Manifest, shadows: Sequence[Shadow | None] | None = None
) -> list[Outgoing]:
    """Return the prediction events of a batch, ready to be published; `shadows` go with them one by one."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    version = ModelVersion(manifest.name, manifest.version)
    batchwide = _Batchwide(batch, version, manifest.interval.coverage, manifest.currency, now)
    return [_encode(each, batchwide, shadow) for each, shadow in zip(priced, shadows or repeat(None), strict=False)]


class _Batchwide(Struct, frozen=True):
    """What all predictions of a batch say alike."""

    batch: Batch
    version: ModelVersion
    coverage: float
    currency: str
    time: str


def _encode(each: Priced, batchwide: _Batchwide, shadow: Shadow | None) -> Outgoing:
    submitted = each.submitted
    event = submitted.event
    listing_id = event.data.listing_id
    sequence_number = batchwide.batch.sequence_number(submitted.position)
    data = Prediction(
        listing_id=listing_id,
        event_source=event.source,
        event_id=event.id,
        predicted_price=each.price,
        interval=Interval(each.low, each.high, batchwide.coverage),
        currency=batchwide.currency,
        model=batchwide.version,
        features=each.features,
        source_position=SourcePosition(batchwide.batch.shard_id, sequence_number, submitted.index),
        confidence=each.confidence,
        shadow=shadow,
        warnings=each.warnings,
    )
    answer = PredictionEvent(
        specversion="1.0",
        id=prediction.prediction_id(event.source, event.id),
        source="/pricing/score",
        type="listing.priced",
        subject=listing_id,
        time=batchwide.time,
        data=data,
    )
    return Outgoing(submitted.position, partition_key(listing_id), prediction.encode(answer))
