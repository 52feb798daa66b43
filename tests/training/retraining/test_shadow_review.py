"""A challenger in shadow: which sales it is judged by, and when."""

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest

from pricing.learnt_homes import LearntHomes
from pricing.listing import Features
from pricing.manifest import CHAMPION_KEY, Offsets, Pointer
from tests.champions import champion
from tests.market import MARKET
from tests.training.retraining.retraining_world import NOW
from training.promotion.promote import promote
from training.registry.models_bucket import ModelsBucket, parse
from training.retraining.shadow_review import LOOKS, live_pairs, looks
from training.sales_contest.challengers import Served
from training.sales_contest.sold_homes import Sold

TINY = champion("1", interval=msgspec.to_builtins(Offsets(0.9, [], [-0.55], [0.55])))
SERVED = Served(TINY.model, parse(TINY.manifest))


@pytest.fixture
def shadowed(world):
    """A market in which prices rose by 20 %, and version 2, which knows it, is in shadow."""
    world.policy = "shadow-first"
    world.drift()
    assert world.records()[-1].outcome == "in shadow"
    return world


def sell(world, count, rise=1.2):
    world.market.sell(count, rise=rise, shadow=("2", 1.2), at=world.at + timedelta(hours=1))


def last(world):
    return world.records()[-1]


def test_shadow_first_scores_the_winner_beside_the_champion_and_promotes_it_on_live_pairs(shadowed):
    assert shadowed.pointer().version == "1"
    assert shadowed.challenger().version == "2"
    sell(shadowed, 59, rise=1.25)
    shadowed.schedule()
    assert last(shadowed).outcome == "undecided"
    assert shadowed.pointer().version == "1"
    sell(shadowed, 1, rise=1.25)
    shadowed.schedule()
    assert (last(shadowed).outcome, last(shadowed).trained) == ("promoted", "in shadow")
    assert (shadowed.pointer().version, shadowed.pointer().previous) == ("2", "1")
    assert shadowed.challenger() is None


def test_a_challenger_that_is_no_better_in_shadow_is_dropped_after_300_pairs(shadowed):
    sell(shadowed, 299, rise=1.0)
    shadowed.schedule()
    assert last(shadowed).outcome == "undecided"
    sell(shadowed, 1, rise=1.0)
    shadowed.schedule()
    assert last(shadowed).outcome == "dropped"
    assert shadowed.pointer().version == "1"
    assert shadowed.challenger() is None


def test_homes_that_were_sold_before_the_shadow_began_are_no_proof_though_they_are_priced_again(shadowed):
    homes = {f"L-{n}": 500_000.0 for n in range(200, 280)}
    shadowed.market.report(homes, shadowed.at + timedelta(hours=1), "again")  # a correction of what it has learnt
    shadowed.schedule()
    assert last(shadowed).outcome == "undecided"
    assert "0 sales so far" in last(shadowed).why
    assert shadowed.pointer().version == "1"


def test_between_two_looks_nothing_is_decided(shadowed):
    sell(shadowed, 60, rise=1.0)
    sell(shadowed, 59)  # so many that a look at all of them would promote it
    shadowed.schedule()
    assert [each.sales for each in last(shadowed).contests] == [60]
    assert last(shadowed).outcome == "undecided"


def test_a_shadow_that_sales_do_not_decide_in_half_a_year_is_dropped(shadowed):
    sell(shadowed, 100, rise=1.0)
    shadowed.schedule(days=180)
    assert last(shadowed).outcome == "undecided"
    shadowed.schedule()
    assert (last(shadowed).outcome, last(shadowed).contests) == ("dropped", [])
    assert "not decided within 180 days" in last(shadowed).why
    assert shadowed.challenger() is None


def test_a_shadow_ends_when_somebody_promotes_it_by_hand(shadowed):
    shadowed.at += timedelta(days=1)
    bucket = ModelsBucket(shadowed.s3, shadowed.models)
    promote("2", shadowed.registry, bucket, "manual", lambda: shadowed.at)
    shadowed.schedule()
    assert last(shadowed).outcome == "dropped"
    assert "a champion before version 2" in last(shadowed).why
    assert shadowed.challenger() is None


def test_a_winner_over_a_champion_that_was_replaced_meanwhile_is_not_put_into_shadow(world):
    world.policy = "shadow-first"
    world.market.sell(200)
    world.market.sell(80, rise=1.2)
    world.alarm()

    def replaced(*arguments):
        pointer = msgspec.structs.replace(world.pointer(), promoted_at=world.at.isoformat())
        world.s3.put_object(Bucket=world.models, Key=CHAMPION_KEY, Body=msgspec.json.encode(pointer))
        return world._train(*arguments)

    world.train = replaced
    world.worker().one(wait_seconds=0)
    assert last(world).outcome == "overtaken"
    assert world.challenger() is None


def pairs(draw, count):
    """Return sales under two models that are equally good, their errors correlated."""
    actual, common = draw.normal(13, 0.5, count), draw.normal(0, 0.25, count)
    one, other = (actual + common + 0.4 * draw.normal(0, 0.3, count) for _ in range(2))
    return [
        Sold(
            listing_id=f"L-{n}",
            features=Features(neighborhood="Buritis", area_m2=50.0 + n),
            sale_price=float(np.exp(actual[n])),
            sold_at=NOW,
            reported_at=NOW,
            model_version="1",
            predicted_price=float(np.exp(one[n])),
            shadow_version="2",
            shadow_price=float(np.exp(other[n])),
        )
        for n in range(count)
    ]


def test_a_look_says_the_same_however_many_sales_came_after_it():
    sold = pairs(np.random.default_rng(1), LOOKS[-1])
    at_once = looks(sold, (SERVED, SERVED), MARKET)
    assert [each.sales for each in at_once] == list(LOOKS)
    assert at_once[0] == looks(sold[:75], (SERVED, SERVED), MARKET)[0]


@pytest.mark.slow
def test_chance_promotes_seldom_over_all_looks_together():
    draw = np.random.default_rng(3)
    promoted = sum(
        any(each.won for each in looks(pairs(draw, LOOKS[-1]), (SERVED, SERVED), MARKET)) for _ in range(200)
    )
    assert promoted <= 10


def test_homes_that_either_has_learnt_are_no_live_proof():
    began = datetime(2026, 11, 1, tzinfo=UTC)
    champion, challenger = (
        Pointer(version=each, manifest_sha256="", previous=None, promoted_at=began.isoformat(), promoted_by="auto")
        for each in ("1", "2")
    )
    sold = [
        Sold(
            listing_id=f"L-{n}",
            features=Features(neighborhood="Buritis", street=f"Rua {n}", area_m2=80.0),
            sale_price=5e5,
            sold_at=began,
            reported_at=began + timedelta(days=1),
            model_version="1",
            predicted_price=5e5,
            shadow_version="2",
            shadow_price=5e5,
        )
        for n in range(6)
    ]
    learnt = [LearntHomes.of(["Rua 0", "Rua 1"], [80.0, 80.0]), LearntHomes.of(["Rua 5"], [82.0])]
    assert len(live_pairs(sold, champion, challenger, MARKET)) == 6
    assert [each.listing_id for each in live_pairs(sold, champion, challenger, MARKET, learnt)] == ["L-2", "L-3", "L-4"]
