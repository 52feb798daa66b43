"""What the champion expects its errors to be, before anything is sold and beside what was."""

from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from lambdas.archive_bucket.prediction_rows import ArchivedPrediction
from lambdas.archive_bucket.reader import Labelled
from lambdas.archive_bucket.sales import ReportedSale
from lambdas.drift.loss_estimate import FEWEST, estimate
from pricing.listing import Features
from pricing.manifest import Manifest
from pricing.model import load
from tests.champions import champion, expected_error, unsure

NOW = datetime(2026, 11, 27, tzinfo=UTC)


def manifest(made):
    return msgspec.json.decode(made.manifest, type=Manifest)


def priced(areas):
    """Return what `unsure` publishes of homes, as it stands in the archive."""
    made = unsure()
    homes = [Features(neighborhood="Sion", area_m2=area) for area in areas]
    said = load(made.model, made.manifest).predict(homes)
    return [
        ArchivedPrediction(
            **{name: getattr(home, name) for name in Features.__struct_fields__},
            id=str(n),
            time="",
            arrived_at=NOW,
            listing_id=f"L-{n}",
            event_source="",
            event_id="",
            predicted_price=price,
            low=low,
            high=high,
            coverage=0.9,
            model_version="1",
            confidence=confidence,
            shadow_version=None,
            shadow_price=None,
        )
        for n, (home, (price, low, high, confidence)) in enumerate(zip(homes, said, strict=True))
    ]


def sold(rows, factor):
    return [
        Labelled(
            row,
            ReportedSale(
                listing_id=row.listing_id,
                sale_price=row.predicted_price * factor,
                sold_at="2026-11-01",
                reported_at=NOW,
            ),
        )
        for row in rows
    ]


def test_the_estimate_is_the_mean_of_what_the_model_expected_of_each_home():
    areas = [30.0, 90.0, 160.0, 400.0]
    found = estimate(priced(areas), [], manifest(unsure()), 0.2)
    assert found.expected == pytest.approx(np.mean([expected_error(area) for area in areas]), abs=1e-6)
    assert (found.expected_of_learnt, found.realised, found.sales) == (0.2, None, 0)
    assert found.confidence == {"A": 0.25, "B": 0.25, "D": 0.25, "E": 0.25}


def test_it_sees_a_change_of_mix_and_never_one_of_prices():
    small, large = priced([40.0] * 50), priced([140.0] * 50)
    usual = estimate(small, sold(small, 1.0), manifest(unsure()), None)
    mixed = estimate(large, sold(large, 1.0), manifest(unsure()), None)
    risen = estimate(small, sold(small, 1.5), manifest(unsure()), None)
    assert mixed.expected == pytest.approx(3.5 * usual.expected, rel=1e-3)
    assert risen.expected == usual.expected
    assert (usual.realised, risen.realised) == (pytest.approx(0), pytest.approx(np.log(1.5)))


def test_few_sales_state_no_error_and_a_champion_that_does_not_say_has_no_estimate():
    rows = priced([60.0] * FEWEST)
    assert estimate(rows, sold(rows[:-1], 1.1), manifest(unsure()), None).realised is None
    assert estimate(rows, [], manifest(champion()), None) is None
    assert estimate([], [], manifest(unsure()), None) is None
