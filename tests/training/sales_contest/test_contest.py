import numpy as np
import pytest

from pricing.answer.interval import intervals
from pricing.manifest import Offsets
from tests.training.sales_contest.sold_market import market
from training.evaluation.bootstrap import bootstrap_means
from training.sales_contest import rescale
from training.sales_contest.contest import LEVEL, contest, huber, unasked_level

COVERAGE = 0.9


def wide(predicted, half=0.5):
    """Return log prices with intervals of ± half."""
    return intervals(predicted, Offsets(COVERAGE, [13.0], [-half, -half], [half, half]))


def test_a_challenger_that_knows_the_new_level_wins():
    predicted, actual, groups = market(100)
    found = contest("rescaled", actual + 0.14, (wide(predicted), wide(predicted + 0.14)), COVERAGE, groups)
    assert found.won
    assert found.gain_low > 0


def test_the_same_model_does_not_win_against_itself():
    predicted, actual, groups = market(100)
    found = contest("twin", actual, (wide(predicted), wide(predicted)), COVERAGE, groups)
    assert not found.won
    assert found.gain == 0


def test_one_home_offered_forty_times_is_one_proof_and_not_forty():
    predicted, actual, groups = market(40, spread=0.01)
    once = contest("rescaled", actual + 0.14, (wide(predicted), wide(predicted + 0.14)), COVERAGE, groups)
    repeated = contest(
        "rescaled", actual + 0.14, (wide(predicted), wide(predicted + 0.14)), COVERAGE, np.full(40, "one home")
    )
    assert once.won
    draws = bootstrap_means(np.arange(40.0), np.full(40, "one home"))
    assert set(draws) == {np.arange(40.0).mean()}
    assert repeated.gain_low == pytest.approx(repeated.gain)


def test_intervals_that_do_not_hold_what_they_promise_are_a_reason_against():
    predicted, actual, groups = market(100)
    found = contest("narrow", actual + 0.14, (wide(predicted), wide(predicted + 0.14, 0.1)), COVERAGE, groups)
    assert any("intervals hold" in reason for reason in found.reasons)


def test_being_better_on_average_does_not_excuse_ruining_the_dearest_third():
    predicted, actual, groups = market(300)
    dear = predicted > np.quantile(predicted, 2 / 3)
    actual = np.where(dear, predicted + 0.02, actual)
    found = contest("one-eyed", actual, (wide(predicted), wide(np.where(dear, actual + 0.1, actual))), COVERAGE, groups)
    assert found.gain > 0
    assert "worse on the dearest third" in found.reasons


def test_a_rise_of_all_prices_is_no_reason_against_whatever_happens_to_bargains():
    won = 0
    for seed in range(20):
        predicted, actual, groups = market(120, seed, spread=0.2)
        won += contest("rescaled", actual + 0.14, (wide(predicted), wide(predicted + 0.14)), COVERAGE, groups).won
    assert won >= 18


def test_one_odd_sale_decides_nothing():
    assert huber(np.array([0.3, 3.0])) == pytest.approx([0.09, 1.71])
    assert rescale.fit_level(np.append(np.random.default_rng(1).normal(0, 0.2, 60), 5.0)) == pytest.approx(0, abs=0.06)


@pytest.mark.slow
def test_chance_promotes_no_more_than_its_share():
    promoted = 0
    for seed in range(200):
        predicted, actual, groups = market(80, seed)
        other = actual + (predicted - actual) * np.random.default_rng(seed).choice([-1, 1], 80)
        level = rescale.cross_fitted_level(actual - predicted, groups, 1)
        contests = [
            contest("x", actual, (wide(predicted), wide(each)), COVERAGE, groups, 0.025)
            for each in (other, predicted + level)
        ]
        promoted += any(each.won for each in contests)
    assert promoted <= 18


def test_where_errors_rang_intervals_that_keep_their_promise_win_against_such_as_do_not():
    predicted, actual, groups = market(200, spread=0.3)
    both = wide(predicted, 0.25), wide(predicted)
    found = contest("wider", actual, both, COVERAGE, groups, mending=True)
    assert found.won
    assert found.mends_intervals
    assert not contest("wider", actual, both, COVERAGE, groups).won


def test_however_often_somebody_asks_a_year_of_contests_spends_its_level_and_no_more():
    spent = 0.0
    for _ in range(100):
        spent += unasked_level(spent)
    assert spent <= LEVEL
    assert unasked_level(0.0) == LEVEL / 12
