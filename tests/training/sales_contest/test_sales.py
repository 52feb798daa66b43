from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np

from lambdas.archive_bucket.sales import FreshFrom
from pricing.learnt_homes import LearntHomes
from pricing.listing import Features
from pricing.manifest import Pointer
from tests.market import MARKET
from training.data.frames import to_frame
from training.sales_contest.challengers import _at_level
from training.sales_contest.sales import NEWEST, contested
from training.sales_contest.sold_homes import Sold

START = datetime(2026, 1, 1, tzinfo=UTC)
CHAMPION = Pointer(version="1", manifest_sha256="", previous=None, promoted_at=START.isoformat(), promoted_by="manual")


def sold(count, level=0.0, first=0):
    return [
        Sold(
            listing_id=f"L-{n}",
            features=Features(neighborhood="Buritis", street=f"Rua {n}", area_m2=80.0),
            sale_price=500_000.0 * np.exp(level),
            sold_at=START + timedelta(hours=n),
            reported_at=START + timedelta(hours=n + 1),
            model_version="1",
            predicted_price=500_000.0,
        )
        for n in range(first, first + count)
    ]


def at(number):
    return FreshFrom(f"L-{number}", START + timedelta(hours=number + 1))


def test_sales_that_the_alarm_picked_are_current_but_nothing_is_judged_by_them():
    found = contested(sold(300), at(200), CHAMPION, MARKET, at(259))
    assert found.current.sum() == 100
    assert found.judged == 40
    assert list(np.flatnonzero(found.sales().fresh)) == list(range(260, 300))


def test_homes_that_the_champion_has_learnt_are_counted_and_not_judged_by():
    learnt = LearntHomes.of([f"Rua {n}" for n in range(280, 290)], [80.0] * 10)
    found = contested(sold(300), at(200), CHAMPION, MARKET, at(259), learnt)
    assert (found.judged, found.learnt) == (30, 10)


def test_sales_since_prices_moved_stay_where_they_are_however_many_there_are():
    market = sold(100) + sold(NEWEST + 150, level=0.15, first=100)
    sales = contested(market, at(100), CHAMPION, MARKET).sales()
    assert sales.fresh.sum() == NEWEST
    assert sales.current.sum() == NEWEST + 150
    predicted = np.full(len(market), np.log(500_000.0))
    moved = _at_level(sales, predicted, 0.15) - predicted
    np.testing.assert_allclose(moved, 0.15, atol=1e-6)


def test_a_frame_of_sales_has_the_inputs_of_a_model():
    sales = contested(sold(3), None, CHAMPION, MARKET).sales()
    assert set(to_frame([each.features for each in sold(3)], MARKET)) | {"price"} == set(sales.frame)
    assert msgspec.to_builtins(sales.weights.tolist()) == [4, 4, 4]
