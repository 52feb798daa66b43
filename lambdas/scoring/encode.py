"""Encode: priced listings as prediction events, ready to be published."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import repeat

from lambdas.scoring.decode import Submitted
from lambdas.scoring.publish import Outgoing
from pricing import prediction
from pricing.listing import partition_key
from pricing.manifest import Manifest
from pricing.model import Priced
from pricing.prediction import Interval, ModelVersion, Prediction, PredictionEvent, Shadow, prediction_id


def encode(
    submitted: Submitted, priced: Priced, manifest: Manifest, shadows: Sequence[Shadow | None] | None = None
) -> list[Outgoing]:
    """Return the prediction events of a batch, ready to be published; prices and `shadows` go with them one by one."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    version = ModelVersion(manifest.name, manifest.version)
    coverage, currency = manifest.interval.coverage, manifest.currency
    rows = zip(*submitted, priced.homes, priced.prices, priced.warnings, shadows or repeat(None), strict=False)
    outgoing = []
    for event, source, position, home, (price, low, high, confidence), warnings, shadow in rows:
        listing_id = event.data.listing_id
        data = Prediction(
            listing_id,
            event.source,
            event.id,
            price,
            Interval(low, high, coverage),
            currency,
            version,
            home,
            source,
            confidence,
            shadow,
            warnings,
        )
        answer = PredictionEvent(
            "1.0",
            prediction_id(event.source, event.id),
            "/pricing/score",
            "listing.priced",
            listing_id,
            now,
            data,
        )
        outgoing.append(Outgoing(position, partition_key(listing_id), prediction.encode(answer)))
    return outgoing
