"""What a rate asks of the stack, by hand."""

import itertools

import pytest

from belo.cost import figures
from belo.cost.load import Choice, load, packed_listings, uses

RATES = [0.001, 0.5, 1, 10, 64, 100, 150, 799, 800, 801, 1_000, 5_000, 7_680, 50_000, 100_000]
CHOICES = [Choice(*flags) for flags in itertools.product([False, True], repeat=5)]


@pytest.mark.parametrize(
    ("rate", "needed", "billed"),
    [(0, 1, 2), (800, 1, 2), (801, 2, 2), (1_600, 2, 2), (1_601, 3, 3), (100_000, 125, 125)],
)
def test_a_shard_is_filled_to_four_fifths_and_there_are_two_at_least(rate, needed, billed):
    found = load(rate, Choice())
    assert (found.listings.shards_needed, found.predictions.shards_needed, found.shards) == (needed, needed, billed)


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("rate", RATES)
def test_no_limit_of_a_shard_or_an_invocation_is_passed(rate, choice):
    found = load(rate, choice)
    for stream in (found.listings, found.predictions):
        assert stream.records_a_second / found.shards <= figures.MARGIN * figures.SHARD_RECORDS.value + 1e-9
        assert stream.bytes_a_second / found.shards <= figures.MARGIN * figures.SHARD_BYTES.value + 1e-9
    assert 1 <= found.parallelization <= figures.MAX_PARALLELIZATION.value
    records = found.listings.records_a_second / found.score.a_second
    assert records * (found.listings.record_bytes * 4 / 3 + figures.ENVELOPE_BYTES) <= figures.EVENT_BYTES.value + 1e-3
    assert records <= figures.BATCH + 1e-9
    objects = figures.PREDICTION_BYTES * 4 / 3 + figures.ENVELOPE_BYTES
    assert rate / found.archive.a_second * objects <= figures.EVENT_BYTES.value + 1e-3


def test_two_shards_are_polled_once_a_second_each_and_what_a_poll_finds_is_one_invocation():
    score = load(1_000, Choice()).score
    assert score.a_second == pytest.approx(2)
    # 5 ms, 500 listings of 23.7 µs, one round of calls, and one invocation in ten asks for the champion
    assert score.seconds == pytest.approx(0.005 + 500 * 23.7e-6 + 0.012 + 0.1 * 0.025)


def test_a_slow_function_takes_several_batches_of_a_shard_at_once():
    slow = load(1_000, Choice(cpu_microseconds=10_000))
    assert slow.parallelization == 7  # 500 listings of 10 ms in a second, and four fifths of an invocation


def test_fan_out_makes_more_invocations_that_hold_less():
    pushed, polled = load(1_000, Choice(fan_out=True)).score, load(1_000, Choice()).score
    assert pushed.a_second == pytest.approx(2 / 0.07, rel=1e-3)
    assert polled.a_second < pushed.a_second


def test_an_object_of_the_archive_holds_a_minute_or_a_full_event():
    assert load(10, Choice()).archive.a_second == pytest.approx(2 / (60 + 1 / 5))
    full = 6e6 / (765.8 * 4 / 3 + 557)
    assert load(1_000, Choice()).archive.a_second == pytest.approx(1_000 / full)


def test_the_monitor_reads_a_week_and_does_not_end_from_about_140_listings_a_second():
    look = load(10, Choice()).look
    assert look.rows == 10 * 7 * 86_400
    assert look.objects == pytest.approx(2 / 60.2 * 7 * 86_400)
    assert look.seconds == pytest.approx(2 + look.objects * 0.025 / 8 + look.rows * 2.6e-6)
    assert load(135, Choice()).look.fits
    assert not load(145, Choice()).look.fits
    broken = [each.limit for each in uses(load(1_000, Choice()), Choice()) if each.used > each.of]
    assert broken == ["seconds of a look of the monitor"]


def test_a_packed_record_holds_what_came_in_a_second_and_is_full_at_120():
    assert [packed_listings(rate) for rate in (0, 64, 1_000, 7_680, 100_000)] == [1, 1, 15.625, 120, 120]
    packed = load(100_000, Choice(aggregate=True))
    assert packed.listings.records_a_second == pytest.approx(100_000 / 120)
    assert packed.listings.shards_needed == 49  # 39.0 MB a second
    assert packed.shards == 125  # of the predictions


def test_an_idle_stack_scores_nothing():
    found = load(0, Choice())
    assert (found.score.a_second, found.archive.a_second, found.look.objects) == (0, 0, 0)
    assert found.look.seconds == figures.LOOK_SECONDS
