import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lambdas.drift import exact_tests as exact

counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, st.floats(0.001, 0.999))
def test_the_tail_of_a_binomial_is_the_one_of_scipy(count, p):
    k, n = count
    assert exact.at_least(k, n, p) == pytest.approx(stats.binom.sf(k - 1, n, p), abs=1e-9)


@given(counts)
def test_the_bounds_of_a_share_are_those_of_clopper_and_pearson(count):
    k, n = count
    expected = stats.binomtest(k, n).proportion_ci(0.95, method="exact")
    assert exact.bounds(k, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


@given(counts, counts)
def test_the_comparison_of_two_shares_is_fishers(window, reference):
    (k, n), (marked, rows) = window, reference
    expected = stats.fisher_exact([[k, n - k], [marked, rows - marked]], alternative="greater").pvalue
    assert exact.no_fewer(k, n, marked, rows) == pytest.approx(expected, abs=1e-9)


def test_shares_that_differ_either_way_are_told_apart():
    assert exact.different(90, 300, 100, 1_000) < 1e-9
    assert exact.different(0, 300, 100, 1_000) < 1e-9
    assert exact.different(30, 300, 100, 1_000) > 0.9


@pytest.mark.parametrize(
    ("k", "n", "p", "expected"), [(0, 5, 0.0, 1.0), (1, 5, 0.0, 0.0), (5, 5, 1.0, 1.0), (6, 5, 0.5, 0.0)]
)
def test_certain_counts_have_certain_probabilities(k, n, p, expected):
    assert exact.at_least(k, n, p) == expected
