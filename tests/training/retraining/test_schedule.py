"""What the schedule finds to do: drifts that are open, alarms that were lost, and champions long unchallenged."""

import io
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from pricing.model import load
from training.registry.kept_listings import LEARNT
from training.registry.models_bucket import ModelsBucket
from training.retraining.journal import Journal
from training.retraining.records import Evidence


def outcomes(world):
    return [each.outcome for each in world.records()]


def kinds(world):
    return [each.request.kind for each in world.records()]


def later(world, count, rise, version="1", days=1.0):
    """Let time pass, and sell at its end."""
    world.at += timedelta(days=days)
    world.market.sell(count, rise=rise, version=version, at=world.at)


def factor(world, version):
    bucket = ModelsBucket(world.s3, world.models)
    first, other = (load(*bucket.get_version(each)) for each in ("1", version))
    homes = [row.features for row in first.manifest.golden]
    return float(np.exp(other.log_prices(homes) - first.log_prices(homes))[0])


def test_a_drift_that_no_challenger_mends_is_open_until_there_are_sales_enough(world):
    world.market.sell(200)
    world.market.sell(10, rise=1.25)
    world.alarm()
    world.worker().one(wait_seconds=0)
    assert outcomes(world) == ["undecided"]
    world.schedule()
    later(world, 15, 1.25)
    world.schedule()
    assert outcomes(world) == ["undecided"]  # 25 sales: nothing to do
    later(world, 5, 1.25)
    world.schedule()
    assert outcomes(world) == ["undecided", "promoted"]
    assert world.records()[-1].request.reason == "prices rose"
    assert factor(world, "2") == pytest.approx(1.25, rel=0.1)


def test_an_open_drift_is_contested_again_when_twice_as_many_sales_have_come_and_not_before(world):
    world.market.sell(240)  # a false alarm: nothing moved
    world.alarm(200)
    world.worker().one(wait_seconds=0)
    assert outcomes(world) == ["kept"]
    for _ in range(12):
        later(world, 20, 1.0)
        world.schedule()
    assert [each.fresh for each in world.records()] == [40, 80, 160]


def test_the_contest_of_an_open_drift_has_none_of_the_old_prices_in_it(world):
    world.market.sell(200)
    world.market.sell(25, rise=1.15)
    world.alarm()
    world.worker().one(wait_seconds=0)
    later(world, 65, 1.15)
    world.schedule()
    assert outcomes(world) == ["undecided", "promoted"]
    assert world.records()[-1].contests[0].sales == 90


def test_a_promotion_closes_the_drifts_of_the_reign_before_it(world):
    world.market.sell(200)
    world.market.sell(10, rise=1.2)
    world.alarm(event_id="drift-a")
    world.worker().one(wait_seconds=0)
    world.market.sell(80, rise=1.2)
    world.alarm(event_id="drift-b")
    world.worker().one(wait_seconds=0)
    assert outcomes(world) == ["undecided", "promoted"]
    later(world, 100, 1.2, version="2")
    world.schedule()
    assert len(world.records()) == 2


def test_the_schedule_leaves_a_champion_alone_that_was_challenged_in_the_last_30_days(world):
    world.market.sell(280)
    world.schedule()
    assert kinds(world) == ["schedule"]  # the champion is 200 days old
    world.schedule()
    assert len(world.records()) == 1
    assert world.waiting() == 0
    world.schedule(days=30)
    assert len(world.records()) == 2


@pytest.mark.parametrize("how", ["schedule", "by hand"])
@pytest.mark.parametrize("count", [0, 20, 40, 100])
def test_a_right_champion_is_not_replaced_a_month_after_prices_rose(world, count, how):
    world.drift()
    right = factor(world, "2")
    if count:
        later(world, count, 1.2, version="2", days=20)
    world.at += timedelta(days=31)
    if how == "schedule":
        world.tick()
    else:
        world.send("belo.cli", "RetrainingRequested", {"id": "manual-1", "reason": "by hand"})
    world.worker().one(wait_seconds=0)
    record = world.records()[-1]
    assert record.outcome == ("undecided" if count < 30 else "kept")
    assert record.contests == [] or {each.sales for each in record.contests} == {count}
    assert factor(world, world.pointer().version) == right


def test_a_champion_is_never_judged_by_a_sale_that_it_has_learnt(world):
    world.drift()
    (files,) = world.registry.files.values()
    learnt = pd.read_parquet(io.BytesIO(files[LEARNT]))
    later(world, 60, 1.2, version="2")
    known = []

    def spy(champion, sales, listings, params):
        homes = sales.frame[sales.fresh]
        known.extend(homes.merge(learnt, "left", indicator=True)["_merge"] == "both")
        return world._train(champion, sales, listings, params)

    world.train = spy
    world.schedule(days=31)
    assert len(known) == 60
    assert not any(known)


def test_an_alarm_whose_request_was_given_up_is_taken_up_by_the_schedule_under_its_own_id(world):
    world.market.sell(200)
    world.market.sell(80, rise=1.2)
    world.alarm(arrives=False)
    world.schedule()
    (record,) = world.records()
    assert (record.request.id, record.request.kind, record.outcome) == ("drift-1", "drift", "promoted")
    world.schedule()
    assert len(world.records()) == 1


def test_a_lost_alarm_goes_on_from_the_evidence_of_the_attempts_that_failed(world):
    world.market.sell(200)
    world.market.sell(80, rise=1.2)
    world.alarm()

    def down(*_):
        raise RuntimeError("MLflow does not answer")

    world.train = down
    for _ in range(5):
        with pytest.raises(RuntimeError):
            world.worker().one(wait_seconds=0)
    world.sqs.purge_queue(QueueUrl=world.url)  # what SQS does after the fifth
    world.train, gathered = None, world.at
    world.schedule()
    (record,) = world.records()
    assert (record.request.id, record.outcome) == ("drift-1", "promoted")
    assert Journal(world.s3, world.archive).find(Evidence, "drift-1").gathered_at == gathered


def test_an_alarm_that_a_worker_is_busy_with_is_not_lost(world):
    world.sqs.set_queue_attributes(QueueUrl=world.url, Attributes={"VisibilityTimeout": "300"})
    world.market.sell(200)
    world.market.sell(80, rise=1.2)
    world.alarm()

    def meanwhile(*arguments):
        world.tick()
        world.worker("another").one(wait_seconds=0)
        assert outcomes(world) == []
        return world._train(*arguments)

    world.train = meanwhile
    world.worker("one").one(wait_seconds=0)
    assert world.trained == 1
    assert [each.outcome for each in world.announced] == ["promoted"]


def test_alarms_of_earlier_reigns_are_left_alone(world):
    world.market.sell(200)
    world.alarm(None, event_id="drift-0", arrives=False, version="0")
    world.drift()
    world.alarm(event_id="drift-2", arrives=False, version="1")  # its reign is over
    world.schedule()
    assert [each.request.id for each in world.records()] == ["drift-1"]


def test_a_challenger_that_was_dropped_leaves_its_drift_open(world):
    world.policy = "shadow-first"
    world.drift()
    world.market.sell(300, rise=1.0, shadow=("2", 1.2), at=world.at + timedelta(hours=1))
    world.schedule()
    assert outcomes(world) == ["in shadow", "dropped"]
    world.schedule()
    assert outcomes(world) == ["in shadow", "dropped", "kept"]
    assert world.records()[-1].request.drift == "drift-1"
