"""A prediction as it stands in the archive: one flat row, that a table reads without help.

predictions/dt=YYYY-MM-DD/<shard>-<first>-<last sequence number>.ndjson.gz    (dt: UTC arrival of the first record)

    pandas.read_json(file, lines=True, dtype=False)
"""

from datetime import datetime

from msgspec import Struct

from lambdas.aws.batch import Batch
from pricing.listing import Features
from pricing.prediction import Confidence, PredictionEvent

PREDICTIONS, FOREIGN = "predictions", "foreign"


class ArchivedPrediction(Struct, frozen=True, kw_only=True, gc=False):
    """A prediction, flattened: `arrived_at` when it came to stand on the stream (UTC)."""

    id: str
    time: str
    arrived_at: datetime
    listing_id: str
    event_source: str
    event_id: str
    predicted_price: float
    low: float
    high: float
    coverage: float
    model_version: str
    neighborhood: str
    street: str | None
    area_m2: float
    rooms: float | None
    garage_places: float | None
    adm_fees: float | None
    latitude: float | None
    longitude: float | None
    more: dict[str, float | str] | None = None
    confidence: Confidence | None = None
    warnings: tuple[str, ...] = ()
    shadow_version: str | None
    shadow_price: float | None


def archived(event: PredictionEvent, arrived_at: datetime) -> ArchivedPrediction:
    """Return the row of a prediction."""
    data, home, shadow = event.data, event.data.features, event.data.shadow
    return ArchivedPrediction(
        id=event.id,
        time=event.time,
        arrived_at=arrived_at,
        listing_id=data.listing_id,
        event_source=data.event_source,
        event_id=data.event_id,
        predicted_price=data.predicted_price,
        low=data.interval.low,
        high=data.interval.high,
        coverage=data.interval.coverage,
        model_version=data.model.version,
        **{name: getattr(home, name) for name in Features.__struct_fields__},
        confidence=data.confidence,
        warnings=data.warnings,
        shadow_version=shadow.version if shadow else None,
        shadow_price=shadow.predicted_price if shadow else None,
    )


def features(row: ArchivedPrediction) -> Features:
    """Return what the model read when it made the prediction."""
    return Features(**{name: getattr(row, name) for name in Features.__struct_fields__})


def key(folder: str, batch: Batch) -> str:
    """Return where a batch stands: a replay of the same records writes the same object again."""
    first, last = batch.sequence_number(0), batch.sequence_number(len(batch.records) - 1)
    return f"{folder}/dt={batch.arrived_at(0):%Y-%m-%d}/{batch.shard_id}-{first}-{last}.ndjson.gz"
