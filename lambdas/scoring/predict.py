"""Predict: one run of the model for a batch."""

import numpy as np

from lambdas.aws.batch import Batch
from lambdas.scoring.decode import Refused, Submitted, payloads
from pricing.model import Model, Priced


def predict(batch: Batch, submitted: Submitted, model: Model) -> tuple[Submitted, Priced, list[Refused]]:
    """Price a batch's events in one run of the model; return those with a price, their prices, and what has none."""
    priced = model.price([each.data for each in submitted.events])
    scorable = np.isfinite(priced.prices.price)
    if scorable.all():
        return submitted, priced, []
    rows, others = np.flatnonzero(scorable).tolist(), np.flatnonzero(~scorable).tolist()
    return submitted.take(rows), priced.take(rows), _unscorable(batch, submitted.take(others), model.manifest.version)


def _unscorable(batch: Batch, submitted: Submitted, version: str) -> list[Refused]:
    errors = {
        source: f"predicted_price: expected a finite number > 0 from model {version} for {event.data.area_m2} m² "
        f"in {event.data.neighborhood}"
        for source, event in zip(submitted.sources, submitted.events, strict=True)
    }
    return [
        Refused(position, source.index, key, payload, "unscorable", errors[source])
        for position, source, key, payload in payloads(batch)
        if source in errors
    ]
