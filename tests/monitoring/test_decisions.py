from datetime import timedelta

import pytest

from lambdas.archive_bucket.sales import Sale
from monitoring.decisions import decide, doubtful
from monitoring.printing import show_doubtful
from terminal.errors import Failure
from tests.market import MARKET
from tests.monitoring.markets import ARCHIVE, START, Cloud, Market

LATER = START + timedelta(days=10)


@pytest.fixture
def sold(s3):
    s3.create_bucket(Bucket=ARCHIVE)
    cloud = Cloud(s3)
    rows = Market(seed=1).predictions(3)
    cloud.archive(rows)
    prices = [rows[0].predicted_price / 5.4, rows[1].predicted_price, rows[2].predicted_price * 10]
    cloud.report([Sale(f"L-{n}", price, "2026-11-03T00:00:00Z") for n, price in enumerate(prices)], LATER)
    cloud.report([Sale("nobody-priced-it", 5e5, "2026-11-03T00:00:00Z")], LATER)
    return s3


def test_sales_that_are_set_apart_are_listed_accepted_and_withdrawn(sold, capsys):
    found = doubtful(sold, ARCHIVE, LATER + timedelta(hours=1), MARKET)
    assert [each.listing_id for each in found.set_apart] == ["L-0", "L-2"]
    assert (found.unmatched, found.accepted, found.withdrawn) == (1, 0, 0)
    assert decide(sold, ARCHIVE, LATER + timedelta(hours=2), ["L-2"], ["L-0"]) == 2
    found = doubtful(sold, ARCHIVE, LATER + timedelta(hours=3), MARKET)
    assert found.set_apart == []
    assert (found.accepted, found.withdrawn) == (1, 1)
    show_doubtful(found, as_json=False)
    assert "0 sales are set apart; 1 accepted, 1 withdrawn, 1 of homes" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("accepted", "withdrawn", "words"),
    [(["L-9"], [], "no sale of L-9"), (["L-0"], ["L-0"], "L-0: accepted and withdrawn at once")],
)
def test_a_decision_about_nothing_or_both_ways_is_refused_and_nothing_is_written(sold, accepted, withdrawn, words):
    with pytest.raises(Failure, match=words):
        decide(sold, ARCHIVE, LATER + timedelta(hours=2), accepted, withdrawn)
    assert len(doubtful(sold, ARCHIVE, LATER + timedelta(hours=3), MARKET).set_apart) == 2
