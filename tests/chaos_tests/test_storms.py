"""Each kind of fault of the long run, for a moment; and what it shows beyond the books."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.chaos.books import audit
from tests.chaos.champions import FIRST, GOOD
from tests.chaos.documents import Expectation
from tests.chaos.handler import DEAD_LETTERS
from tests.chaos.phase import run_everything, run_phase
from tests.chaos.storms import STORMS
from tests.chaos.submissions import Mix, Submission, alone, records
from tests.chaos.weather import Storm, Weather
from tests.chaos.world import Shape, World
from tests.simulator.faults import DropConnection, RefuseEntries


@pytest.mark.parametrize("storm", STORMS, ids=lambda storm: storm.name)
def test_nothing_is_lost_or_wrong_in(storm):
    verdict = run_phase(storm, seed=7, events=600).verdict
    assert (verdict.lost, verdict.wrong) == (0, 0), verdict.problems


def test_nothing_is_lost_or_wrong_under_everything_at_once():
    result = run_everything(seed=7, events=3_000)
    assert (result.verdict.lost, result.verdict.wrong) == (0, 0), result.verdict.problems
    assert result.injected > 0


def test_the_long_run_knows_more_than_a_dozen_kinds_of_fault():
    assert len({storm.name for storm in STORMS}) == len(STORMS) >= 12


def test_the_same_seed_is_the_same_run():
    storm = next(storm for storm in STORMS if storm.name == "crash after PutRecords")
    assert run_phase(storm, seed=3, events=2_000) == run_phase(storm, seed=3, events=2_000)


def test_requests_in_flight_at_once_lose_nothing_either():
    storm = Storm("", "kinesis", lambda rng: rng.choice([RefuseEntries(), DropConnection(after=True)]), rate=0.3)
    weather = Weather([storm], seed=1)
    with ThreadPoolExecutor(4) as pool:
        world = World(1, weather, Shape(shards=1, batch_size=10_000, parallelization_factor=1), publishing=pool)
        world.promote(FIRST)
        world.submit(records(1, 5_000, Mix()))
        world.run()
    verdict = audit(world, Expectation(GOOD))
    assert (verdict.lost, verdict.wrong) == (0, 0), verdict.problems
    assert world.injected > 0


def test_a_whole_event_of_poison_costs_one_write_and_does_not_hold_up_what_follows():
    world = World(shape=Shape(shards=1, batch_size=10_000, parallelization_factor=1))
    world.promote(FIRST)
    poison = [alone(Submission(b"no JSON" + b" " * 300, "L-1", reason="invalid_json"))] * 6_600
    world.submit(poison)
    world.submit(records(1, 100, Mix(bad=0.0)))
    world.run()
    flood, *others = world.mapping.log
    assert len(flood.records) > 6_000
    assert others[-1].ended_at - flood.started_at < 1
    touched = {invocation.records[0].sequence_number for invocation in world.mapping.log}
    assert 1 <= len(world.s3.keys(DEAD_LETTERS)) <= len(touched) == 2
    assert (audit(world, Expectation(GOOD)).lost, audit(world, Expectation(GOOD)).wrong) == (0, 0)
