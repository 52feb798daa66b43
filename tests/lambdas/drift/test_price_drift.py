import numpy as np
import pytest

from lambdas.drift import price_drift
from lambdas.drift.price_drift import LEARNING, SEGMENTS, Sales, find_shift, limit

ALPHA = 0.025
SD = 0.28


def sales(*levels: tuple[int, float], seed: int = 2, tails: float = 4.0) -> Sales:
    """Return stretches of so many sales at so high a level, with heavy-tailed residuals."""
    draw = np.random.default_rng(seed)
    offset = np.concatenate(
        [level + draw.standard_t(tails, n) * SD / np.sqrt(tails / (tails - 2)) for n, level in levels]
    )
    return Sales(offset, np.full(len(offset), SD))


def test_a_rise_of_a_quarter_rings_soon_and_its_size_is_told():
    shift = find_shift(sales((200, -0.05), (100, -0.05 + np.log(1.25))), 0.0, ALPHA)
    assert shift.rang
    assert 200 < shift.rang_after_sales <= 260
    assert shift.percent == pytest.approx(25, abs=8)
    assert shift.before == pytest.approx(-0.05, abs=0.05)
    assert shift.against == "earlier sales"


def test_a_fall_rings_as_a_rise_does():
    shift = find_shift(sales((200, 0.0), (100, -np.log(1.25))), 0.0, ALPHA)
    assert shift.rang
    assert shift.percent < -10


def test_a_discount_that_was_always_there_does_not_ring():
    assert not find_shift(sales((400, -0.12)), 0.0, ALPHA).rang


def test_a_single_sale_never_rings_however_odd():
    odd = sales((150, 0.0))
    odd.offset[-1] = 20.0
    calm = find_shift(sales((150, 0.0)), 0.0, ALPHA)
    assert not find_shift(odd, 0.0, ALPHA).rang
    assert abs(find_shift(odd, 0.0, ALPHA).statistic - calm.statistic) < 1.0


def test_a_market_that_was_far_off_from_the_first_sale_on_rings_before_its_level_is_learnt():
    shift = find_shift(sales((60, 0.40)), 0.0, ALPHA)
    assert shift.rang
    assert shift.rang_after_sales == SEGMENTS[0]
    assert shift.against == "asking prices"
    assert shift.percent == pytest.approx(100 * np.expm1(0.40), abs=12)


def test_levels_are_held_against_asking_prices_as_the_model_missed_them():
    assert not find_shift(sales((60, 0.40)), 0.40, ALPHA).rang


@pytest.mark.parametrize("n", [0, 1, 29])
def test_too_few_sales_say_nothing(n):
    shift = find_shift(sales((n, 0.5)) if n else Sales(np.empty(0), np.empty(0)), 0.0, ALPHA)
    assert (shift.sales, shift.looks, shift.statistic, shift.rang) == (n, 0, None, False)


def test_the_verdict_stays_when_more_sales_come():
    drifted = sales((200, 0.0), (300, 0.25))
    moments = set()
    for n in range(260, 501, 40):
        moments.add(find_shift(Sales(drifted.offset[:n], drifted.spread[:n]), 0.0, ALPHA).rang_after_sales)
    assert len(moments) == 1


def test_how_often_one_looks_changes_nothing():
    found = sales((LEARNING + 60, 0.0))
    between = find_shift(Sales(found.offset[:-3], found.spread[:-3]), 0.0, ALPHA)
    earlier = find_shift(Sales(found.offset[:-10], found.spread[:-10]), 0.0, ALPHA)
    assert between.statistic == earlier.statistic


def test_a_still_market_rings_about_as_often_as_was_stated():
    rang = sum(find_shift(sales((360, -0.05), seed=seed), 0.0, ALPHA).rang for seed in range(400))
    assert rang <= 0.05 * 400  # nominal 10; 20 or more has a probability below 0.4 %


def test_a_smaller_rate_of_false_alarms_costs_a_higher_limit():
    assert limit(0.001) > limit(0.025) > limit(0.2) > 2


def test_residuals_count_by_the_spread_that_was_stated_for_them():
    wide = sales((300, 0.0))
    assert find_shift(wide, 0.0, ALPHA).statistic == pytest.approx(
        find_shift(Sales(wide.offset * 2, wide.spread * 2), 0.0, ALPHA).statistic
    )


def test_the_level_of_some_sales_is_not_moved_by_a_slip():
    some = sales((100, 0.1))
    some.offset[3] = 30.0
    assert some.level(0, 100) == pytest.approx(0.1, abs=0.06)


def test_a_history_is_compared_at_every_tenth_sale_and_with_enough_on_both_sides():
    found = [each for each in price_drift.comparisons(sales((250, 0.0)), 0.0) if each.against == "earlier sales"]
    assert {each.segment: (int(each.at[0]), int(each.at[-1])) for each in found} == {
        30: (90, 250),
        60: (120, 250),
        120: (180, 250),
    }


def test_after_an_alarm_the_watch_begins_anew_and_a_later_move_rings_with_a_number_of_its_own():
    once = find_shift(sales((200, 0.0), (150, 0.3)), 0.0, ALPHA)
    twice = find_shift(sales((200, 0.0), (200, 0.3), (150, 0.0)), 0.0, ALPHA)
    assert (once.alarm, twice.alarm) == (1, 2)
    assert once.rang_after_sales < 300
    assert 400 < twice.rang_after_sales <= 460
    assert twice.percent < -15


def test_a_move_that_lasts_rings_once():
    assert find_shift(sales((200, 0.0), (600, 0.3)), 0.0, ALPHA).alarm == 1
