"""Dollars, by hand; and what holds at every rate."""

import itertools

import pytest

from belo.cost.bill import bill, compared, per_million
from belo.cost.load import Choice, load
from tests.belo.cost.test_load import CHOICES, RATES


def of(rate, **choice):
    """Return the bill at a rate, rounded to cents."""
    made = Choice(**choice)
    return {driver: round(usd, 2) for driver, usd in bill(load(rate, made), made).drivers.items()}


def test_an_idle_stack_pays_for_shards_metrics_alarms_and_the_sweep():
    sweep = round(760 / 60 * (2 * 0.04048 + 8 * 0.004445), 2)
    look = 2 * 1_769 / 1_024 * 0.0000166667 + 0.0000002
    assert {driver: usd for driver, usd in of(0).items() if usd} == {
        "streams": 43.80,  # 2 streams of 2 shards, 730 hours, 0.015
        "streams: second day kept": 58.40,  # the same shards, 0.020
        "custom metrics": 6.60,  # the monitor's 22
        "alarms": 2.20,
        "dashboard": 3.00,
        "monitor": round(730 * look, 2),
        "retraining sweep": sweep,
        "KMS": 0.05,  # 2 streams, every 5 minutes
        "SQS": 0.26,
    }


def test_a_thousand_listings_a_second():
    found, month = of(1_000), 730 * 3_600
    assert found["streams: PUT payload units"] == round(2_000 * month * 0.014e-6, 2)
    assert found["score: requests"] == round(2 * month * 0.20e-6, 2)
    assert found["score: GB-seconds"] == round(2 * month * 0.03135 * 1_769 / 1_024 * 0.0000166667, 2)
    assert found["S3 storage"] == round(1_000 * 86_400 * 490 * 81 / 1e9 * 0.023, 2)
    assert found["custom metrics"] == round(39 * 0.30, 2)


def test_options_cost_what_they_add():
    plain, month = of(1_000), 730 * 3_600
    assert of(1_000, own_key=True)["KMS"] == pytest.approx(plain["KMS"] + 1)
    gb = 1_000 * 780.6 * 4 / 3 * month / 1e9
    assert of(1_000, network=True)["VPC endpoints"] == pytest.approx(10 * 730 * 0.01 + gb * 0.01, abs=0.01)
    listings = 1_000 * 386 * month / 1e9
    assert of(1_000, fan_out=True)["fan-out"] == pytest.approx(2 * 730 * 0.015 + listings * 0.013, abs=0.01)


def test_on_demand_bills_a_listing_as_a_whole_kilobyte():
    found, month = of(1_000, on_demand=True), 730 * 3_600
    read = 1_000 * (386 + 780.6) * month / 1e9
    assert found["streams: GB in and out"] == pytest.approx(2_000 * 1_024 * month / 1e9 * 0.08 + read * 0.04, abs=0.01)
    assert of(0, on_demand=True)["streams"] == 58.40  # 2 streams, 730 hours, 0.04


def test_on_demand_is_cheaper_up_to_55_listings_a_second_as_the_page_says():
    for rate, cheaper in ((0, True), (50, True), (60, False), (100_000, False)):
        on_demand, shards = (bill(load(rate, made), made).total for made in (Choice(on_demand=True), Choice()))
        assert (on_demand < shards) == cheaper


@pytest.mark.parametrize("choice", CHOICES)
def test_more_listings_never_cost_less(choice):
    totals = [bill(load(rate, choice), choice).total for rate in (0, *RATES)]
    assert totals == sorted(totals)


@pytest.mark.parametrize("flags", list(itertools.product([False, True], repeat=2)))
@pytest.mark.parametrize("rate", [*RATES, 65, 66, 70, 4_200, 4_201])
def test_aggregation_never_costs_more(rate, flags):
    packed, plain = (Choice(flags[0], aggregate, flags[1]) for aggregate in (True, False))
    assert bill(load(rate, packed), packed).total <= bill(load(rate, plain), plain).total + 1e-9


def test_a_million_predictions_cost_the_bill_less_the_idle_one():
    millions = 1_000 * 730 * 3_600 / 1e6
    found, choice = per_million(1_000, Choice()), Choice()
    total, idle = (bill(load(rate, choice), choice).total for rate in (1_000, 0))
    assert found.marginal == pytest.approx((total - idle) / millions)
    assert found.all_in == pytest.approx(total / millions)
    assert per_million(0, choice) is None


def test_other_ways_to_score_are_counted_in_cores():
    other, month = compared(load(1_000, Choice())), 730 * 3_600
    assert other.sagemaker_instances == 2  # 158 a core, 4 cores, four fifths: 505.6 an instance
    assert other.sagemaker_endpoint == pytest.approx(2 * 730 * 0.204)
    seconds = 1_000 * month * (1 / 3_537 + 0.001032 + 0.012)
    course = seconds * 1_769 / 1_024 * 0.0000166667 + 2 * month * 0.20e-6
    assert other.course_function == pytest.approx(course)
    assert compared(load(0, Choice())).sagemaker_instances == 1
