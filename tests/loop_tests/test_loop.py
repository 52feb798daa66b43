from pathlib import Path

import pytest

from tests.loop.__main__ import row
from tests.loop.defects import DEFECTS
from tests.loop.markets import CHANGE, SCENARIOS
from tests.loop.years import Course, run

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("planted", DEFECTS, ids=lambda each: each.defect.name)
def test_a_planted_defect_stands_once_in_the_code_and_names_what_shows_it(planted):
    assert (ROOT / planted.defect.file).read_text().count(planted.defect.old) == 1
    assert planted.market in {each.name for each in SCENARIOS} or (ROOT / str(planted.test)).exists()


def test_a_market_without_sales_runs_through_and_promotes_nothing(capsys):
    (scenario,) = (each for each in SCENARIOS if each.name == "no sales at all")
    found = row([run(scenario, seed=1)])
    assert (found["promotions"], found["alarms"], found["broken"]) == (0, 0, [])
    assert 0.87 < found["coverage"] < 0.93


def test_what_breaks_a_promise_is_told():
    spoilt = Course(
        "still", 0, promotions=[(300, 1.2, 0.0), (400, 1.0, 0.0), (500, 1.0, 0.0)], errors=[(CHANGE, 9, 0.2, 0.1, 0.5)]
    )
    words = " ".join(row([spoilt])["broken"])
    for each in ("3 promotions by chance", "raised the error by 20.0%", "intervals hold 50.0%"):
        assert each in words


def test_a_market_is_repaired_once_its_error_was_large_and_is_small_again():
    days = [(200, 100, 0.1, 0.1, 0.9), (270, 140, 0.2, 0.1, 0.9), (300, 200, 0.105, 0.1, 0.9)]
    course = Course("prices rise by 15 %", 0, errors=days, alarms=[(280, 150, ["level"])])
    found = row([course])
    assert (found["sales_to_ring"], found["sales_to_repair"]) == (50, 100)
    assert found["curve"] == {"60": 0, "90": 0, "120": 1, "180": 1, "240": 1, "360": 1}
