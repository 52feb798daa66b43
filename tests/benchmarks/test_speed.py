import json
from pathlib import Path

import pytest

from benchmarks.speed import __main__ as bench
from benchmarks.speed.guard import worse
from benchmarks.speed.report import COMMITTED, FOUND, PAGE, page, summary
from benchmarks.speed.section import RATIOS, Section

ROOT = Path(__file__).parents[2]
COUNTED = {"scoring_vs_floor": 1.3, "scoring_vs_seed_style": 600.0}


def test_the_figures_are_written_as_nulls_with_the_reason_where_nothing_can_be_measured(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA", "nowhere.csv")
    bench.measure(["scoring"], FOUND)
    written = json.loads(FOUND.read_text())
    assert written["ratios"] == dict.fromkeys(RATIOS)
    assert written["rows"] == []
    assert "nowhere.csv: no such file" in written["errors"]["scoring"]
    assert "not measured: scoring" in summary(written)


def test_a_section_s_ratios_and_rows_are_written_and_the_others_are_null(tmp_path):
    section = Section("Scoring", {"scoring_vs_floor": 1.25}, {"cost": [{"what": "ours", "µs": 12.5}]}, ("A note.",))
    bench.write({"scoring": section}, {}, out := tmp_path / "bench.json")
    written = json.loads(out.read_text())
    assert {name: each for name, each in written["ratios"].items() if each} == {"scoring_vs_floor": 1.25}
    assert written["rows"] == [{"section": "scoring", "table": "cost", "what": "ours", "µs": 12.5}]
    assert "| ours | 12.5 |" in page(written)


@pytest.mark.parametrize(
    ("found", "complaints"),
    [
        (COUNTED, []),
        ({"scoring_vs_floor": 1.0, "scoring_vs_seed_style": 2_000.0}, []),  # better is no complaint
        ({"scoring_vs_floor": 1.55, "scoring_vs_seed_style": 505.0}, []),
        ({"scoring_vs_floor": 1.57}, ["scoring_vs_floor: 1.57, committed 1.3: 21% worse"]),
        ({"scoring_vs_seed_style": 495.0}, ["scoring_vs_seed_style: 495, committed 600: 21% worse"]),
        ({"scoring_vs_floor": None, "put_vs_prebuilt": 9.0}, []),  # not measured now, or not before
    ],
)
def test_a_ratio_that_is_a_fifth_worse_by_its_direction_is_named(found, complaints):
    assert worse(COUNTED, found, 0.2) == complaints


def test_the_page_is_that_of_the_committed_figures():
    document = json.loads((ROOT / COMMITTED).read_text())
    assert (ROOT / PAGE).read_text() == page(document)
    assert not document["errors"]
    assert not [name for name in RATIOS if document["ratios"][name] is None]
