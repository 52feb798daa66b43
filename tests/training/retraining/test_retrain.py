"""From a request on the queue to a new champion."""

from datetime import timedelta

import msgspec
import numpy as np
import pytest

from pricing.manifest import CHAMPION_KEY, manifest_key, model_key
from pricing.model import load
from tests.training.killed_process import Killed, Life
from training.promotion.promote import rollback
from training.registry.kept_listings import LEARNT
from training.registry.models_bucket import ModelsBucket
from training.sales_contest.challengers import challengers


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
    assert [each.outcome for each in world.announced] == ["promoted"]


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
    world.drift()
    (record,) = world.records()
    assert (record.outcome, record.promoted_by, record.version) == ("awaiting a person", None, "2")
    assert world.pointer().version == "1"
    assert world.registry.aliases == {"challenger": "2"}


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
    world.announced = Deadly(life)
    dying = world.worker("killed", s3=life.of(world.s3), registry=life.of(world.registry))
    with pytest.raises(Killed):
        dying.one(wait_seconds=0)
    assert world.pointer().version == "2"
    bucket = ModelsBucket(world.s3, world.models)
    rollback(bucket)
    world.announced, world.at = [], world.at + world.lease * 2
    world.worker("next").one(wait_seconds=0)
    assert world.pointer().version == "1"
    assert world.records()[-1].outcome == "promoted"
    assert world.records()[-1].champion_after == "1"


def test_after_a_second_rise_the_rescaled_champion_is_rescaled_again(world):
    world.drift()
    world.at += timedelta(days=10)
    world.market.sell(100, rise=1.6, version="2", at=world.at - timedelta(days=1))
    world.alarm(280, event_id="drift-2", version="2")
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


def test_every_retrained_version_has_a_model_card_with_its_figures_on_sales(world):
    world.drift()
    (files,) = world.registry.files.values()
    card = files["card.md"].decode()
    assert card.startswith("# house-price, version 2\n")
    for words in ("retrained over version 1", "80 sales", "of the sale price", "cheapest third", "median_ape"):
        assert words in card


def test_where_nobody_can_tell_what_the_champion_learnt_its_heir_does_not_say_that_it_learnt_the_sales_alone(world):
    world.registry.of_earlier_runs = None
    world.drift()
    (files,) = world.registry.files.values()
    assert LEARNT not in files


def test_a_number_that_another_registry_gave_away_is_not_given_to_a_winner(world):
    taken = [(model_key("2"), b"somebody else's"), (manifest_key("3"), b"{}")]
    for key, body in taken:
        world.s3.put_object(Bucket=world.models, Key=key, Body=body)
    world.drift()
    assert (world.records()[-1].outcome, world.records()[-1].version) == ("promoted", "4")
    assert world.pointer().version == "4"
    assert [world.s3.get_object(Bucket=world.models, Key=key)["Body"].read() for key, _ in taken] == [
        body for _, body in taken
    ]


def test_an_alarm_is_answered_with_sales_from_the_one_that_it_names_though_that_is_outside_the_population(world):
    world.market.sell(100)
    world.market.sell(40, outside=True)  # the monitor counts these, the contest does not
    world.market.sell(60)
    world.market.sell(10, rise=1.2, outside=True)
    world.market.sell(80, rise=1.2)
    world.alarm(200)
    world.worker().one(wait_seconds=0)
    (record,) = world.records()
    assert (record.outcome, record.fresh, record.contests[0].sales) == ("promoted", 80, 80)


@pytest.mark.parametrize("kind", ["listings", "by hand"])
def test_a_request_that_names_no_sale_is_answered_from_the_one_that_the_alarm_about_prices_names(world, kind):
    world.market.sell(200)
    world.market.sell(80, rise=1.25)
    world.alarm(200, event_id="prices", arrives=False)
    if kind == "listings":
        world.alarm(None, event_id="listings")
    else:
        world.send("belo.cli", "RetrainingRequested", {"id": "manual-1", "reason": "by hand"})
    world.worker().one(wait_seconds=0)
    (record,) = world.records()
    assert (record.outcome, record.fresh) == ("promoted", 80)


def test_in_a_report_of_many_sales_the_named_one_tells_new_prices_from_old_ones(world):
    world.market.sell(100)
    world.market.sell(50)
    together = world.market.at
    world.market.sell(60, rise=1.2, at=together)
    world.alarm(150)
    world.worker().one(wait_seconds=0)
    assert world.records()[-1].fresh == 60


def test_a_named_sale_that_is_not_to_be_had_stands_for_the_time_of_its_report(world):
    world.market.sell(100)
    world.market.sell(60, rise=1.2)
    world.market.reported.append(world.market.at)  # L-160, which was never priced
    world.alarm(160)
    world.worker().one(wait_seconds=0)
    assert world.records()[-1].fresh == 60
