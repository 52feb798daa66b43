"""From a request on the queue to a new champion."""

from datetime import timedelta

import msgspec
import numpy as np
import pytest

from pricing.manifest import CHAMPION_KEY
from pricing.model import load
from tests.training.killing import Killed, Life
from training.challengers import challengers
from training.models_bucket import ModelsBucket
from training.promote import rollback
from training.promotion import Promotion


def test_a_champion_that_sells_15_percent_too_low_is_replaced_by_itself_rescaled(world):
    world.market.sell(200)
    world.market.sell(80, rise=1.15)
    world.alarm()
    assert world.worker().one(wait_seconds=0)
    (record,) = world.records()
    assert (record.outcome, record.trained, record.promoted_by) == ("promoted", "rescaled", "auto")
    assert (world.pointer().version, world.pointer().previous, world.pointer().promoted_by) == ("2", "1", "auto")
    assert world.registry.aliases == {"champion": "2"}
    bucket = ModelsBucket(world.s3, world.models)
    old, new = (load(*bucket.get_version(version)) for version in ("1", "2"))
    homes = [row.features for row in old.manifest.golden]
    factor = np.exp(new.log_prices(homes) - old.log_prices(homes))
    assert factor == pytest.approx(1.15, rel=0.05)
    assert world.waiting() == 0
    assert [each.outcome for each in world.told] == ["promoted"]


def test_a_market_that_did_not_move_keeps_its_champion_and_the_history_says_why(world):
    world.market.sell(280)
    world.alarm()
    world.worker().one(wait_seconds=0)
    (record,) = world.records()
    assert record.outcome == "kept"
    assert "not better beyond doubt" in record.why
    assert world.pointer().version == "1"
    assert not world.registry.found


def test_a_person_is_asked_where_the_policy_says_so(world):
    world.policy = "manual"
    drift(world)
    (record,) = world.records()
    assert (record.outcome, record.promoted_by, record.version) == ("awaiting a person", None, "2")
    assert world.pointer().version == "1"
    assert world.registry.aliases == {"challenger": "2"}


def test_shadow_first_scores_the_winner_beside_the_champion_and_promotes_it_on_live_pairs(world):
    world.policy = "shadow-first"
    drift(world)
    assert world.records()[-1].outcome == "in shadow"
    assert world.pointer().version == "1"
    assert challenger(world).version == "2"
    world.market.sell(59, rise=1.2, shadow=("2", 1.2))
    schedule(world)
    assert world.records()[-1].outcome == "undecided"
    assert world.pointer().version == "1"
    world.market.sell(60, rise=1.2, shadow=("2", 1.2))
    schedule(world)
    assert (world.records()[-1].outcome, world.records()[-1].trained) == ("promoted", "in shadow")
    assert (world.pointer().version, world.pointer().previous) == ("2", "1")
    assert challenger(world) is None


def test_a_challenger_that_is_no_better_in_shadow_is_dropped_after_300_pairs(world):
    world.policy = "shadow-first"
    drift(world)
    world.market.sell(300, shadow=("2", 1.2))
    schedule(world)
    assert world.records()[-1].outcome == "dropped"
    assert world.pointer().version == "1"
    assert challenger(world) is None


def test_a_drift_that_no_challenger_mends_stays_open_until_there_are_sales_enough(world):
    world.market.sell(200)
    world.market.sell(20, rise=1.25)
    world.alarm()
    world.worker().one(wait_seconds=0)
    assert world.records()[-1].outcome == "undecided"
    world.market.sell(100, rise=1.25)
    schedule(world)
    assert world.records()[-1].outcome == "promoted"
    assert world.pointer().version == "2"


def test_the_schedule_leaves_a_champion_alone_that_was_challenged_in_the_last_30_days(world):
    world.market.sell(280)
    schedule(world)
    assert [each.request.kind for each in world.records()] == ["schedule"]  # the champion is 200 days old
    schedule(world)
    assert len(world.records()) == 1
    assert world.waiting() == 0
    world.at += timedelta(days=30)
    schedule(world)
    assert len(world.records()) == 2


def test_a_drift_of_a_champion_that_was_replaced_meanwhile_trains_nothing(world):
    world.market.sell(200)
    world.market.sell(80, rise=1.15)
    world.alarm(version="0")
    world.worker().one(wait_seconds=0)
    assert world.records()[-1].outcome == "overtaken"
    assert world.trained == 0


def test_a_champion_promoted_by_a_person_during_the_training_is_not_replaced(world):
    world.market.sell(200)
    world.market.sell(80, rise=1.15)
    world.alarm()

    def meanwhile(*arguments):
        replaced = msgspec.structs.replace(world.pointer(), version="5", previous="1", promoted_by="manual")
        world.s3.put_object(Bucket=world.models, Key=CHAMPION_KEY, Body=msgspec.json.encode(replaced))
        return challengers(*arguments)

    world.train = meanwhile
    world.worker().one(wait_seconds=0)
    assert world.records()[-1].outcome == "overtaken"
    assert world.pointer().version == "5"


def test_a_rollback_is_not_undone_by_a_request_that_is_still_under_way(world):
    world.market.sell(200)
    world.market.sell(80, rise=1.15)
    world.alarm()
    life = Life()
    world.told = Deadly(life)
    dying = world.worker("killed", s3=life.of(world.s3), registry=life.of(world.registry))
    with pytest.raises(Killed):
        dying.one(wait_seconds=0)
    assert world.pointer().version == "2"
    bucket = ModelsBucket(world.s3, world.models)
    rollback(bucket)
    world.told, world.at = [], world.at + world.lease * 2
    world.worker("next").one(wait_seconds=0)
    assert world.pointer().version == "1"
    assert world.records()[-1].outcome == "promoted"
    assert world.records()[-1].champion_after == "1"


def test_after_a_second_rise_the_rescaled_champion_is_rescaled_again(world):
    drift(world)
    world.s3.put_object(
        Bucket=world.models,
        Key=CHAMPION_KEY,
        Body=msgspec.json.encode(msgspec.structs.replace(world.pointer(), promoted_at="2026-08-01T00:00:00+00:00")),
    )
    world.market.sell(100, rise=1.6, version="2")
    world.alarm(event_id="drift-2", version="2", fresh_from=0)
    world.at += timedelta(hours=1)
    world.worker().one(wait_seconds=0)
    assert world.pointer().version == "3"
    homes = load(*ModelsBucket(world.s3, world.models).get_version("1"))
    again = load(*ModelsBucket(world.s3, world.models).get_version("3"))
    rows = [row.features for row in homes.manifest.golden]
    assert np.exp(again.log_prices(rows) - homes.log_prices(rows)) == pytest.approx(1.6, rel=0.06)
    assert again.manifest.reference["offset"]["mean"] == pytest.approx(0, abs=0.05)


class Deadly(list):
    """Kills the process that tells."""

    def __init__(self, life):
        super().__init__()
        self.life = life

    def append(self, record):
        self.life.over = True
        raise Killed


def drift(world):
    world.market.sell(200)
    world.market.sell(80, rise=1.2)
    world.alarm()
    assert world.worker().one(wait_seconds=0)


def schedule(world):
    world.at += timedelta(days=1)
    world.tick()
    assert world.worker().one(wait_seconds=0)


def challenger(world):
    return Promotion(world.s3, world.models, ModelsBucket(world.s3, world.models), world.registry).challenger()
