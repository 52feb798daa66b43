from datetime import UTC, datetime, timedelta

import pytest

from lambdas.archive_bucket.credibility import divide, doubt
from lambdas.archive_bucket.reader import Archive, label
from lambdas.archive_bucket.sales import DECISIONS, REPORTED_AT, Decision, Sale, encode, key
from tests.market import MARKET
from tests.monitoring.markets import ARCHIVE, START, Cloud, Market


@pytest.mark.parametrize(
    ("sale", "words"),
    [
        (5_000_000.0, "a digit too many"),
        (50_000.0, "a digit too few"),
        (92_000.0, "US dollars or euros in place of BRL"),
        (2_700_000.0, "BRL that were taken for US dollars or euros"),
        (1.0, "1 BRL is a token, and no price"),
        (2_000.0, "monthly rents"),
        (160_000.0, "no unit or currency that we know makes a factor of 0.32"),
    ],
)
def test_a_sale_that_is_a_factor_of_three_off_is_set_apart_and_the_reason_says_what_would_explain_it(sale, words):
    assert words in doubt(sale, 500_000.0, MARKET)


@pytest.mark.parametrize("sale", [170_000.0, 500_000.0, 1_490_000.0])
def test_a_sale_within_a_factor_of_three_is_credible(sale):
    assert doubt(sale, 500_000.0, MARKET) is None


@pytest.fixture
def cloud(s3):
    s3.create_bucket(Bucket=ARCHIVE)
    return Cloud(s3)


def decide(cloud, decision, at, listing="L-0"):
    body = encode([Decision(listing, decision)])
    cloud.s3.put_object(Bucket=ARCHIVE, Key=key(body, at, DECISIONS), Body=body, Metadata={REPORTED_AT: at.isoformat()})


def seen(cloud):
    """Return the listings whose sales count, and those set apart."""
    archive = Archive(cloud.s3, ARCHIVE)
    sales = archive.sales()
    found = label(archive.of_listings((each.listing_id for each in sales), START, START + timedelta(days=90)), sales)
    credible, apart = divide(found, MARKET)
    return [each.sale.listing_id for each in credible], [each.listing_id for each in apart], archive.withdrawn


def test_what_a_person_decides_of_a_sale_holds_for_what_was_reported_before_and_not_after(cloud):
    rows = Market(seed=1).predictions(2)
    cloud.archive(rows)
    odd = Sale("L-0", rows[0].predicted_price * 10, "2026-11-03T00:00:00Z")
    right = Sale("L-1", rows[1].predicted_price, "2026-11-03T00:00:00Z")
    day = START + timedelta(days=3)
    cloud.report([odd, right], day)
    assert seen(cloud) == (["L-1"], ["L-0"], 0)
    decide(cloud, "accepted", day + timedelta(hours=1))
    assert seen(cloud) == (["L-0", "L-1"], [], 0)
    decide(cloud, "withdrawn", day + timedelta(hours=2))
    assert seen(cloud) == (["L-1"], [], 1)
    cloud.report([Sale("L-0", rows[0].predicted_price, "2026-11-20T00:00:00Z")], day + timedelta(hours=3))
    assert seen(cloud) == (["L-1", "L-0"], [], 0)  # sold again: its place is that of the new report
    cloud.report([Sale("L-0", 1.0, "2026-11-20T00:00:00Z")], day + timedelta(hours=4))
    assert seen(cloud) == (["L-1"], ["L-0"], 0)


def test_a_decision_that_cannot_be_read_is_counted_and_the_others_hold(cloud):
    rows = Market(seed=1).predictions(1)
    cloud.archive(rows)
    cloud.report([Sale("L-0", 1.0, "2026-11-03T00:00:00Z")], START + timedelta(days=3))
    decide(cloud, "accepted", datetime(2026, 11, 5, tzinfo=UTC))
    cloud.s3.put_object(Bucket=ARCHIVE, Key=f"{DECISIONS}/dt=2026-11-06/x.ndjson", Body=b'{"listing_id":"L-0"}\n')
    archive = Archive(cloud.s3, ARCHIVE)
    assert [each.accepted for each in archive.sales()] == [True]
    assert archive.unreadable == 1
