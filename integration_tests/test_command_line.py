"""What goes wrong is said in one line, without a traceback."""

import pytest
from typer.testing import CliRunner

from belo.cli import app


@pytest.fixture
def text(cloud):
    path = cloud.folder / "poem.csv"
    path.write_text("roses,violets\nred,blue\n", encoding="utf-8")
    return str(path)


def complaint(cloud, *arguments: str, exit_code: int, **env: str) -> str:
    lines = cloud.belo(*arguments, exit_code=exit_code, **env).stderr.strip().splitlines()
    assert "Traceback" not in "\n".join(lines)
    assert len(lines) == 1, lines
    return lines[0]


def test_an_unknown_stream_is_named(cloud, text):
    for command in (("consume", "--idle-timeout", "1"), ("publish", str(cloud.folder / "one.jsonl"))):
        (cloud.folder / "one.jsonl").write_text('{"area_m2": 80, "neighborhood": "Sion"}\n')
        nowhere = {"BELO_LISTINGS_STREAM": "nowhere", "BELO_PREDICTIONS_STREAM": "nowhere"}
        assert "nowhere" in complaint(cloud, *command, exit_code=1, **nowhere)


def test_without_a_stack_it_says_how_to_get_one(cloud, text, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    bare = {name: value for name, value in cloud.env.items() if not name.startswith(("BELO_", "AWS_"))}
    monkeypatch.setattr(cloud, "env", bare)
    assert "make up" in complaint(cloud, "consume", exit_code=1)


def test_a_missing_file_is_named(cloud):
    assert "nothing-here.csv" in complaint(cloud, "publish", "nothing-here.csv", exit_code=2)


def test_missing_columns_are_named(cloud, text):
    assert "square-foot" in complaint(cloud, "publish", text, exit_code=1)


def test_a_cloud_that_does_not_answer_is_named(cloud):
    said = complaint(cloud, "consume", exit_code=1, AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert "http://127.0.0.1:9" in said


def test_every_command_explains_itself(cloud):
    commands = [
        "publish",
        "consume",
        "redrive",
        "score",
        "train",
        "evaluate",
        "models",
        "promote",
        "rollback",
        "report-sales",
        "monitor",
        "retrain",
        "train-worker",
        "history",
    ]
    overview = cloud.belo("--help").stdout
    for command in commands:
        assert command in overview
        assert "Usage: belo" in CliRunner().invoke(app, [command, "--help"]).stdout  # a process each is slow to start
