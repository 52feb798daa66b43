"""What is said to somebody who asks for a price: the price as the stream would publish it and, on request, why."""

import math
from collections.abc import Sequence

import numpy as np
from msgspec import Struct, structs

from pricing.answer.comparables import Comparable, Comparables
from pricing.answer.reasons import Reasons, against_city, against_neighborhood, check_golden_reasons
from pricing.listing import Features, Listing
from pricing.model import Model
from pricing.prediction import Confidence, Interval, ModelVersion


class Breakdown(Struct, frozen=True):
    """A typical home's price, and what each group of inputs multiplies it by; together they are the price."""

    typical_price: float
    factors: dict[str, float]


class Answer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The price of a listing, money in `currency`; the reasons and comparables where they were asked for."""

    listing_id: str
    predicted_price: float
    interval: Interval
    currency: str
    model: ModelVersion
    features: Features
    confidence: Confidence | None = None
    warnings: tuple[str, ...] = ()
    against_neighborhood: Breakdown | None = None
    against_city: Breakdown | None = None
    comparables: list[Comparable] = []


def answers(model: Model, listings: Sequence[Listing]) -> list[Answer | None]:
    """Return the prices of listings, in one run of the model; None where there is none."""
    manifest = model.manifest
    priced = model.price(listings)
    version = ModelVersion(manifest.name, manifest.version)
    return [
        None
        if math.isnan(price)
        else Answer(
            listing_id=listing.listing_id,
            predicted_price=price,
            interval=Interval(low, high, manifest.interval.coverage),
            currency=manifest.currency,
            model=version,
            features=home,
            confidence=confidence,
            warnings=warned,
        )
        for listing, home, (price, low, high, confidence), warned in zip(
            listings, priced.homes, priced.prices, priced.warnings, strict=True
        )
    ]


class Explainer:
    """A model that gives reasons, and comparables where its version keeps them."""

    def __init__(self, model: Model, comparables: Comparables | None = None) -> None:
        """Raises `ContractMismatch` for a version that has no reasons, or other ones than its golden rows keep."""
        check_golden_reasons(model)
        self.model = model
        self._comparables = comparables

    def answers(self, listings: Sequence[Listing]) -> list[Answer | None]:
        """Return the prices of listings with the reasons; None where there is no price."""
        found = answers(self.model, listings)
        homes = [each.features for each in found if each]
        city, around = against_city(self.model, homes), against_neighborhood(self.model, homes)
        rows = iter(range(len(homes)))
        return [each and self._explained(each, city, around, next(rows)) for each in found]

    def _explained(self, answer: Answer, city: Reasons, around: Reasons, row: int) -> Answer:
        alike = self._comparables.nearest(answer.features, city.added[row]) if self._comparables else []
        return structs.replace(
            answer,
            against_neighborhood=_breakdown(around, row),
            against_city=_breakdown(city, row),
            comparables=alike,
        )


def _breakdown(reasons: Reasons, row: int) -> Breakdown:
    return Breakdown(float(np.exp(reasons.typical[row])), reasons.factors(row))
