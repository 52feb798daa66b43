"""The planted defects fit the code as it stands, and one of them is caught here and now."""

import ast
from pathlib import Path

import pytest

from tests.chaos.clients.defects import DEFECTS as CLIENT_DEFECTS
from tests.chaos.defects import DEFECTS, catch

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("defect", [*DEFECTS, *CLIENT_DEFECTS], ids=lambda defect: defect.name)
def test_it_stands_where_it_was_planted(defect):
    source = (ROOT / defect.file).read_text()
    assert source.count(defect.old) == 1
    ast.parse(source.replace(defect.old, defect.new))


def test_a_dozen_defects_and_more_are_planted():
    assert len({defect.name for defect in DEFECTS}) == len(DEFECTS) >= 10
    assert len({defect.name for defect in CLIENT_DEFECTS}) == len(CLIENT_DEFECTS) >= 25


def test_ignored_failed_entries_are_caught():
    outcome = catch(DEFECTS[0], "function", seed=1, events=20_000)
    assert outcome.caught, outcome.evidence
