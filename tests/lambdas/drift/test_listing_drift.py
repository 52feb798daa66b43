import msgspec
import numpy as np
import pytest

from lambdas.drift import listing_drift
from lambdas.drift.listing_drift import (
    DEAD_LETTERS,
    MIN_WINDOW,
    PSI_FLOOR,
    compare_window,
    distributions,
    psi,
    psi_limit,
)
from pricing.reference import Reference
from tests.monitoring.markets import Market, reference_of

ALPHA = 0.005


@pytest.fixture(scope="module")
def reference() -> Reference:
    return msgspec.convert(reference_of(99), Reference)


def rang(market: Market, reference: Reference, n: int = 400, dead_letters: int = 0) -> set[tuple[str, str]]:
    checks = compare_window(market.predictions(n), dead_letters, reference, ALPHA)
    return {(each.name, each.test) for each in checks if each.rang}


def test_homes_like_those_of_the_training_part_ring_nothing(reference):
    assert rang(Market(seed=3), reference, 100) == set()
    assert rang(Market(seed=4), reference, 2_000) == set()


def test_larger_homes_move_the_area_the_price_and_the_fees(reference):
    assert rang(Market(seed=3, grow=1.5), reference) == {("area_m2", "psi"), ("log_price", "psi"), ("adm_fees", "psi")}


def test_a_field_that_is_left_empty_more_often_is_named(reference):
    assert rang(Market(seed=3, fees_known=0.4), reference) == {("adm_fees", "missing")}


def test_a_field_that_is_filled_in_more_often_is_named_too(reference):
    assert rang(Market(seed=3, fees_known=0.9), reference) == {("adm_fees", "missing")}


def test_neighbourhoods_that_nobody_has_seen_are_noticed(reference):
    rows = Market(seed=3).predictions(400)
    rows[:60] = [msgspec.structs.replace(row, neighborhood=f"Novo {row.id}") for row in rows[:60]]
    checks = compare_window(rows, 0, reference, ALPHA)
    (unseen,) = [each for each in checks if each.test == "unseen"]
    assert unseen.rang
    assert unseen.value == 0.15


def test_a_flood_of_dead_letters_rings_and_a_few_do_not(reference):
    assert rang(Market(seed=3), reference, 400, dead_letters=4) == set()
    assert rang(Market(seed=3), reference, 400, dead_letters=40) == {("records", "dead letters")}


def test_dead_letters_alone_ring_without_a_single_prediction(reference):
    (check,) = compare_window([], 50, reference, ALPHA)
    assert check.rang
    assert check.value == 1.0
    assert check.reference == DEAD_LETTERS


def test_a_small_window_is_asked_for_nothing_but_its_dead_letters(reference):
    checks = compare_window(Market(seed=3, grow=3).predictions(MIN_WINDOW - 1), 0, reference, ALPHA)
    assert [each.test for each in checks] == ["dead letters"]


def test_an_empty_window_is_asked_for_nothing(reference):
    assert compare_window([], 0, reference, ALPHA) == []


def test_a_field_nobody_fills_in_any_more_is_missing_and_no_distribution_breaks(reference):
    rows = [msgspec.structs.replace(row, garage_places=None) for row in Market(seed=3).predictions(200)]
    checks = compare_window(rows, 0, reference, ALPHA)
    assert {(each.name, each.test) for each in checks if each.rang} == {("garage_places", "missing")}
    assert all(np.isfinite(each.value) for each in checks)


def test_the_reference_itself_is_at_distance_zero():
    shares = np.full(10, 0.1)
    assert psi(np.full(10, 100), shares, 1_000) == pytest.approx(0)
    assert psi(np.array([550, *[50] * 9]), shares, 1_000) > 0.5


def test_small_windows_have_wide_limits_and_large_ones_the_usual_one():
    shares = (0.02,) * 50
    limits = [psi_limit(shares, 4_000, n, 1e-4) for n in (100, 200, 500, 1_000, 10_000)]
    assert limits == sorted(limits, reverse=True)
    assert limits[0] > 0.5
    assert limits[-1] == PSI_FLOOR


@pytest.mark.parametrize("n", [100, 300, 1_000])
def test_the_limit_is_the_index_that_chance_reaches_that_rarely(n):
    # The reference is a sample, too: the truth behind it is not the reference.
    draw = np.random.default_rng(5)
    truth = np.array([0.3, 0.2, 0.1, 0.1, 0.1, 0.05, 0.05, 0.04, 0.03, 0.03])
    rows, rate, ringing = 2_000, 0.002, 0
    for _ in range(40):
        shares = draw.multinomial(rows, truth) / rows
        threshold, excess = listing_drift._null(tuple(shares), rows, n)
        limit = threshold + excess * np.log(listing_drift.TAIL / rate)
        ringing += int((psi(draw.multinomial(n, truth, size=500), shares, rows) > limit).sum())
    assert 10 <= ringing <= 90  # of 20,000: nominal 40


def test_values_are_binned_as_training_bins_them(reference):
    rows = Market(seed=99).predictions(4_000)  # the homes of the reference, drawn again
    for each in distributions(rows, reference):
        shares = np.array(each.counts) / sum(each.counts)
        assert shares == pytest.approx(np.array(each.shares), abs=1e-9), each.name


def test_a_reference_of_one_bin_never_rings():
    assert psi_limit((1.0,), 4_000, 500, 1e-4) == PSI_FLOOR
