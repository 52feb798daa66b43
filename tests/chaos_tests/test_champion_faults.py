"""A champion that is wrong, missing or slow never serves; the last good one goes on, and a metric says so."""

import pytest

from lambdas.scoring.champion import LOOK_WAIT, START_WAIT
from pricing.manifest import CHALLENGER_KEY
from tests.champions import crashing
from tests.chaos.books import audit
from tests.chaos.champions import BROKEN, FIRST, GOOD, LAST, POLL, SECOND, challenger, truncated
from tests.chaos.documents import Expectation
from tests.chaos.submissions import Mix, records
from tests.chaos.world import Shape, World
from tests.simulator.faults import RefuseCall, Script, Stall


@pytest.fixture
def world():
    world = World(shape=Shape(shards=1, parallelization_factor=1))
    world.promote(FIRST)
    world.submit(records(1, 50, Mix()))
    world.run()
    world.clock.sleep(POLL)
    return world


def versions(world):
    return {record.data.split(b'"version":"')[1].split(b'"')[0].decode() for record in world.predictions.records()}


@pytest.mark.parametrize("promote", BROKEN.values(), ids=BROKEN)
def test_the_last_good_champion_serves_on_and_a_metric_is_raised_for(promote, world):
    promote(world)
    world.submit(records(2, 50, Mix()))
    world.run()
    verdict = audit(world, Expectation({"1": GOOD["1"]}))
    assert (verdict.lost, verdict.wrong) == (0, 0), verdict.problems
    assert (world.telemetry.lines, world.telemetry.champion_refused) == (2, 1)


def test_a_good_version_serves_after_a_broken_one(world):
    BROKEN["model truncated"](world)
    world.submit(records(2, 50, Mix()))
    world.run()
    world.promote(LAST)
    world.clock.sleep(POLL)
    since = world.clock.time()
    world.submit(records(3, 50, Mix()))
    world.run()
    verdict = audit(world, Expectation(GOOD, version_from=(since, "3")))
    assert (verdict.lost, verdict.wrong, world.telemetry.champion_refused) == (0, 0, 1), verdict.problems


def test_a_load_that_failed_is_tried_again_though_the_pointer_has_not_moved(world):
    world.promote(SECOND)
    world.s3.faults = Script([None, RefuseCall("SlowDown", 503)])
    for seed in (2, 3):
        world.submit(records(seed, 50, Mix()))
        world.run()
        world.clock.sleep(POLL)
    assert versions(world) == {"1", "2"}
    assert world.telemetry.champion_refused == 1


def test_a_swap_under_load_prices_every_event_by_one_version_or_the_other(world):
    world.submit(records(2, 2_000, Mix()), over=60)
    for successor in (SECOND, FIRST, SECOND, LAST):
        world.promote(successor)
        world.run(12)
    world.run()
    verdict = audit(world, Expectation(GOOD))
    assert (verdict.lost, verdict.wrong, verdict.duplicates) == (0, 0, 0), verdict.problems
    assert versions(world) == set(GOOD)


def test_without_any_champion_the_batch_stays_in_the_stream_and_nobody_is_dead_lettered():
    world = World(shape=Shape(shards=1, parallelization_factor=1))
    world.submit(records(1, 50, Mix(bad=0.0)))
    world.run(1800)
    assert (world.predictions.records(), world.s3.keys("dead-letters")) == ([], [])
    assert {invocation.answer.error for invocation in world.mapping.log} == {"NoChampion"}
    world.promote(FIRST)
    world.run()
    verdict = audit(world, Expectation(GOOD))
    assert (verdict.lost, verdict.wrong, verdict.duplicates) == (0, 0, 0), verdict.problems


def test_a_slow_bucket_costs_a_batch_its_patience_and_no_event(world):
    world.promote(SECOND)
    world.s3.faults = Script([Stall(4)] * 3)
    for seed in (2, 3):
        world.submit(records(seed, 50, Mix(bad=0.0)))
        world.run()
        world.clock.sleep(POLL)
    verdict = audit(world, Expectation(GOOD))
    assert (verdict.lost, verdict.wrong) == (0, 0), verdict.problems
    assert versions(world) == {"1", "2"}
    assert world.held_up["later"] == pytest.approx(LOOK_WAIT, abs=0.1)  # and a glance at the challengers


def test_a_start_on_a_slow_bucket_waits_in_vain_and_then_goes_on_from_there():
    world = World(shape=Shape(shards=1, parallelization_factor=1))
    world.promote(FIRST)
    world.s3.faults = Script([Stall(4)] * 3)
    world.submit(records(1, 50, Mix(bad=0.0)))
    world.run()
    assert [each.answer.error for each in world.mapping.log] == ["NoChampion", None, None]
    assert world.held_up["at the start"] == pytest.approx(START_WAIT)
    verdict = audit(world, Expectation(GOOD))
    assert (verdict.lost, verdict.wrong, verdict.duplicates) == (0, 0, 0), verdict.problems


@pytest.mark.parametrize("spoiled", [crashing("crashing"), truncated()], ids=["crashes", "does not load"])
def test_a_challenger_costs_the_champion_nothing_when_it(spoiled, world):
    world.promote(spoiled, CHALLENGER_KEY)
    world.submit(records(2, 50, Mix()))
    world.run()
    verdict = audit(world, Expectation(GOOD))
    assert (verdict.lost, verdict.wrong, verdict.duplicates) == (0, 0, 0), verdict.problems
    assert (world.telemetry.challenger_dropped, world.telemetry.champion_refused) == (1, 0)


def test_a_good_challenger_casts_its_own_price_as_a_shadow(world):
    world.promote(challenger("c1"), CHALLENGER_KEY)
    world.submit(records(2, 50, Mix(bad=0.0)))
    world.run()
    shadows = sum(b'"shadow":{"version":"c1"' in record.data for record in world.predictions.records())
    verdict = audit(world, Expectation(GOOD))
    assert (shadows, verdict.wrong) == (50, 0), verdict.problems
