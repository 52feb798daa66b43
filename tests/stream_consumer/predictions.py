"""Predictions as they stand on the stream."""

from pricing import prediction
from pricing.listing import Features
from pricing.prediction import Interval, ModelVersion, Prediction, PredictionEvent, SourcePosition


def payload(number: int, *, listing_id: str | None = None, sequence_number: int | None = None, index: int = 0) -> bytes:
    """Return prediction `number`; its price tells which it is."""
    listing_id = listing_id or f"L-{number}"
    return prediction.encode(
        PredictionEvent(
            specversion="1.0",
            id=f"prediction-{number}",
            source="/pricing/score",
            type="listing.priced",
            subject=listing_id,
            time="2026-11-24T12:00:00.123Z",
            data=Prediction(
                listing_id=listing_id,
                event_source="/marketplace",
                event_id=f"event-{number}",
                predicted_price=600_000.0 + number,
                interval=Interval(480_000.0, 781_000.0, 0.9),
                currency="BRL",
                model=ModelVersion("house-price", "7"),
                features=Features(neighborhood="Buritis", area_m2=102.0),
                source_position=SourcePosition("shardId-000000000000", str(sequence_number or number), index),
            ),
        )
    )
