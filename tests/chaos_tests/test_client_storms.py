"""Each kind of fault that clients meet, for a moment."""

import pytest

from tests.chaos.clients.phase import run_everything, run_phase
from tests.chaos.clients.storms import STORMS


@pytest.mark.parametrize("storm", STORMS, ids=lambda storm: storm.name)
def test_nothing_is_lost_wrong_or_concealed_in(storm):
    verdict = run_phase(storm, seed=7, events=300).verdict
    assert (verdict.lost, verdict.wrong, verdict.concealed) == (0, 0, 0), verdict.problems


def test_nothing_is_lost_wrong_or_concealed_under_everything_at_once():
    for result in run_everything(seed=7, events=2_000):
        verdict = result.verdict
        assert (verdict.lost, verdict.wrong, verdict.concealed) == (0, 0, 0), verdict.problems
        assert result.injected > 0


def test_the_long_run_knows_more_than_twenty_kinds_of_fault():
    assert len({storm.name for storm in STORMS}) == len(STORMS) >= 20


def test_the_same_seed_is_the_same_run():
    storm = next(storm for storm in STORMS if storm.name == "a sink that takes a part")
    assert run_phase(storm, seed=3, events=500) == run_phase(storm, seed=3, events=500)
