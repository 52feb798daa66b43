import json

from benchmarks.scoring import NOT_MEASURED, OUT, main


def test_the_figures_are_written_as_nulls_with_the_reason_where_nothing_can_be_measured(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA", "nowhere.csv")
    main()
    written = json.loads(OUT.read_text())
    assert written["ratios"] == dict.fromkeys([*NOT_MEASURED, "champion_vs_boosting_350x24"])
    assert written["rows"] == []
    assert written["error"].endswith("nowhere.csv: no such file")
