"""Predict: one run of the model for a batch."""

import math

from msgspec import Struct

from lambdas.scoring.decode import Refused, Submitted
from pricing.listing import Features, features
from pricing.model import Model
from pricing.prediction import Confidence


class Priced(Struct, frozen=True, gc=False):
    """A submitted listing with its price, interval, confidence and warnings."""

    submitted: Submitted
    features: Features
    price: float
    low: float
    high: float
    confidence: Confidence | None
    warnings: tuple[str, ...]


def predict(submitted: list[Submitted], model: Model) -> tuple[list[Priced], list[Refused]]:
    """Price events in one run of the model; return what has a price, and what has none."""
    market = model.manifest.market
    listings = [each.event.data for each in submitted]
    inputs = [features(each, market) for each in listings]
    prices = model.predict(inputs)
    warnings = model.warnings(listings, inputs, prices)
    priced: list[Priced] = []
    unscorable: list[Refused] = []
    for each in map(Priced, submitted, inputs, *zip(*prices, strict=True), warnings):
        if math.isnan(each.price):
            unscorable.append(_unscorable(each.submitted, model.manifest.version))
        else:
            priced.append(each)
    return priced, unscorable


def _unscorable(submitted: Submitted, version: str) -> Refused:
    home = submitted.event.data
    return Refused(
        submitted.position,
        submitted.index,
        submitted.partition_key,
        submitted.payload,
        "unscorable",
        f"predicted_price: expected a finite number > 0 from model {version} for {home.area_m2} m² "
        f"in {home.neighborhood}",
    )
