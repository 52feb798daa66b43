import json

from benchmarks.speed import __main__ as bench
from benchmarks.speed.section import RATIOS


def test_the_figures_are_written_as_nulls_with_the_reason_where_nothing_can_be_measured(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA", "nowhere.csv")
    bench.main(["scoring"])
    written = json.loads(bench.OUT.read_text())
    assert written["ratios"] == dict.fromkeys(RATIOS)
    assert written["rows"] == []
    assert "nowhere.csv: no such file" in written["errors"]["scoring"]
