import json
from datetime import UTC, datetime

from training.retraining.history import history
from training.retraining.journal import Journal
from training.retraining.printing import show_history


def test_the_history_says_when_what_drifted_what_was_trained_the_verdict_and_who_promoted(promoted, capsys):
    show_history(history(promoted.records(), []), as_json=False)
    table = " ".join(capsys.readouterr().out.split())
    for word in ("2026-11-24", "rescaled", "promoted", "1 → 2", "auto"):
        assert word in table


def test_a_program_reads_the_history_as_json(promoted, capsys):
    show_history(history(promoted.records(), []), as_json=True)
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["id"], row["trained"], row["verdict"], row["promoted_by"]) == (
        "drift-1",
        "rescaled",
        "promoted",
        "auto",
    )
    assert (row["champion_before"], row["champion_after"]) == ("1", "2")
    assert row["contests"][0]["sales"] == 80
    assert datetime.fromisoformat(row["when"]) == datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_an_empty_history_is_an_empty_list(world, capsys):
    show_history(history(Journal(world.s3, world.archive).records(), []), as_json=True)
    assert json.loads(capsys.readouterr().out) == []
