"""Labels that cannot be true: they move no price without a person, whatever the contest says."""

import msgspec
import pytest

from lambdas.archive_bucket.sales import FreshFrom
from training.retraining.requests import of_alarm


def test_sales_in_dollars_are_set_apart_and_the_history_says_so(world):
    world.market.sell(200)
    world.market.sell(160, rise=1 / 5.4)
    world.alarm(200)
    world.worker().one(wait_seconds=0)
    (record,) = world.records()
    assert record.outcome == "undecided"
    assert "160 are set apart until somebody decides (`belo sales`): US dollars or euros" in record.why
    assert world.pointer().version == "1"


@pytest.mark.parametrize("policy", ["auto", "shadow-first", "manual"])
@pytest.mark.parametrize("rise", [0.4, 1.8])
def test_a_level_that_no_market_moves_by_is_for_a_person_under_every_policy(world, policy, rise):
    world.policy = policy
    world.market.sell(200)
    world.market.sell(80, rise=rise)
    world.alarm(200)
    world.worker().one(wait_seconds=0)
    (record,) = world.records()
    assert (record.outcome, record.version) == ("awaiting a person", "2")
    if policy != "manual":
        assert "and a market moves by -26% to +35%: no unit or currency that we know" in record.why
    assert world.pointer().version == "1"
    assert world.challenger() is None


def test_sales_that_rang_the_alarm_are_not_judged_by(world):
    world.market.sell(200)
    world.market.sell(80, rise=1.2)
    world.market.sell(20, rise=1.2)
    at = world.market.reported[279].isoformat()
    request = of_alarm(
        msgspec.json.encode(
            {
                "id": "drift-9",
                "champion": "1",
                "promoted_at": world.pointer().promoted_at,
                "at": world.at,
                "summary": "prices rose",
                "fresh": {"listing_id": "L-200", "reported_at": at},
                "after": {"listing_id": "L-279", "reported_at": at},
                "moved": [{"segment": 80}],
            }
        )
    )
    assert request.after == FreshFrom("L-279", world.market.reported[279])
    assert request.level
    record = world.retraining().run(request)
    assert (record.outcome, record.why) == (
        "undecided",
        "20 sales after those that rang the alarm; at least 30 are needed",
    )


def test_an_alarm_about_errors_alone_says_so(world):
    detail = {
        "id": "drift-9",
        "champion": "1",
        "promoted_at": world.pointer().promoted_at,
        "at": world.at,
        "summary": "errors grew",
        "after": {"listing_id": "L-279", "reported_at": world.at},
        "moved": [{"test": "spread"}],
    }
    assert not of_alarm(msgspec.json.encode(detail)).level
