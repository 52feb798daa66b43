import numpy as np
import pytest

from lambdas.drift.error_drift import Errors, check_errors
from lambdas.drift.price_drift import Sales
from lambdas.drift.watch import ERRORS

SPREAD = 0.3
SHARES = np.array([0.3, 0.2, *[0.05] * 10])


def history(seed, n=500, change=lambda offset, places, draw: offset, after=200):
    """Return a history of sales that changes after some of them."""
    draw = np.random.default_rng(seed)
    offset = draw.normal(-0.05, SPREAD, n)
    places = draw.choice([f"Bairro {name}" for name in range(len(SHARES))], n, p=SHARES)
    offset[after:] = change(offset[after:], places[after:], draw)
    wide = np.full(n, 1.645 * SPREAD)
    return Errors(Sales(offset, np.full(n, SPREAD)), -wide, wide, list(places), 0.9)


def rang(change=None, histories=40, **options):
    """Return how often each watch rings, and all of them together, as shares of the histories."""
    found = [
        {
            each.test
            for each in check_errors(history(seed, **({"change": change} if change else {}), **options), ERRORS)
            if each.rang
        }
        for seed in range(histories)
    ]
    return {name: np.mean([name in each for each in found]) for name in ("coverage", "spread", "place")} | {
        "any": np.mean([bool(each) for each in found])
    }


def test_in_a_market_that_stands_still_they_ring_as_seldom_as_stated():
    assert rang(histories=300, n=360)["any"] <= 0.02


@pytest.mark.parametrize("factor", [1.5, 2.0])
def test_errors_that_grow_ring_though_the_level_stays(factor):
    assert rang(lambda offset, _, __: -0.05 + (offset + 0.05) * factor)["any"] >= 0.8


def test_homes_that_go_for_more_and_for_less_ring_though_the_level_stays():
    assert rang(lambda offset, _, draw: offset + draw.choice([0.3, -0.3], len(offset)))["any"] >= 0.8


def test_a_district_that_moves_alone_rings_and_is_named():
    change = lambda offset, places, _: offset + np.where(places == "Bairro 0", np.log(1.35), 0)  # noqa: E731
    assert rang(change)["place"] >= 0.7
    found = next(
        each
        for seed in range(9)
        for each in check_errors(history(seed, change=change), ERRORS)
        if each.test == "place" and each.rang
    )
    assert found.place == "Bairro 0"
    assert 1.1 < found.value / found.reference < 1.6


def test_a_level_that_all_homes_share_is_no_affair_of_these_watches_while_it_is_learnt():
    assert rang(lambda offset, _, __: offset, n=360, histories=40)["any"] == 0
    assert check_errors(history(1, n=50), ERRORS) == []


def test_after_an_alarm_the_watch_begins_anew_and_the_next_one_has_a_number_of_its_own():
    def twice(offset, places, draw):
        grown = offset.copy()
        grown[:200] = -0.05 + (offset[:200] + 0.05) * 2
        grown[400:] = -0.05 + (offset[400:] + 0.05) * 3
        return grown

    first = check_errors(history(3, n=320, change=twice), ERRORS)
    again = check_errors(history(3, n=900, change=twice), ERRORS)
    assert {each.alarm for each in first if each.rang} == {1}
    assert {each.alarm for each in again if each.rang} == {2}
    assert min(each.at for each in again if each.rang) > 600


def test_a_lean_that_a_place_always_had_is_forgiven():
    def leaning(seed):
        found = history(seed)
        lean = np.where(np.array(found.places) == "Bairro 0", 0.1, 0.0)
        return Errors(Sales(found.sales.offset + lean, found.sales.spread), found.low, found.high, found.places, 0.9)

    rings = [
        any(each.rang and each.test == "place" for each in check_errors(leaning(seed), ERRORS)) for seed in range(60)
    ]
    assert np.mean(rings) <= 0.05
