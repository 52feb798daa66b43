"""Mistakes planted into a copy of the quick PutRecords: its tests must notice each."""

from pathlib import Path

import pytest

from tests.chaos.defects import Defect, run_tests, within

ROOT = Path(__file__).parents[3]
ROOMS = ("lambdas", "markets", "pricing", "terminal", "tests")
TESTS = ("tests/lambdas/aws/test_quick_puts.py",)
DEFECTS = within(
    "lambdas/aws/quick_puts.py",
    (
        "take an answer for one in which nothing failed",
        '(response_dict["body"]).failed == 0:',
        '(response_dict["body"]):',
    ),
    ("look at the count alone", "    answers: list[_Answer] =", "    answers: object ="),
    ("write text as if it were encoded", "if {type(each.get", "if True or {type(each.get"),
    (
        "forget the body where it is to be tried again",
        'params["body"] = _encode(context.pop(_ASIDE))',
        "context.pop(_ASIDE)",
    ),
    ("speak JSON with every service", 'if meta.service_model.resolved_protocol == "json":', "if True:"),
)


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_it_stands_once_where_it_is_planted(defect):
    assert (ROOT / defect.file).read_text().count(defect.old) == 1


@pytest.mark.slow
@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_planted_mistake_is_noticed(defect):
    found = run_tests(defect, ROOMS, TESTS)
    assert found.returncode == 1, found.stdout[-2_000:]


@pytest.mark.slow
def test_without_a_mistake_nothing_is_noticed():
    first = DEFECTS[0]
    found = run_tests(Defect("none", first.file, first.old, first.old), ROOMS, TESTS)
    assert found.returncode == 0, found.stdout[-2_000:]
