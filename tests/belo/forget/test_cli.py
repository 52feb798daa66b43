"""`belo forget` as a person and as a program calls it."""

import json

import pytest
from typer.testing import CliRunner

from belo.cli import app
from terminal.errors import Failure, UsageFailure
from tests.belo.forget.filled_stack import FilledStack
from tests.conftest import DEAD_LETTERS, MODELS
from tests.monitoring.markets import ARCHIVE

VARIABLES = {
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "BELO_LISTINGS_STREAM": "listings",
    "BELO_PREDICTIONS_STREAM": "predictions",
    "BELO_MODELS_BUCKET": MODELS,
    "BELO_DEAD_LETTERS_BUCKET": DEAD_LETTERS,
    "BELO_ARCHIVE_BUCKET": ARCHIVE,
    "BELO_SCORE_FUNCTION": "score",
}


@pytest.fixture
def stack(s3, monkeypatch) -> FilledStack:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    stack = FilledStack(s3, "L-1")
    stack.fill()
    return stack


def belo(*arguments: str):
    return CliRunner().invoke(app, ["forget", *arguments], catch_exceptions=True)


def test_what_was_removed_is_told_by_place_and_last_what_it_cannot_reach(stack):
    done = belo("L-1", "--yes")
    assert done.exit_code == 0
    assert "sales: 3 traces; 2 objects were rewritten, 1 deleted, 3 old versions deleted\n" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("L-1: 29 traces and ")
    assert "monitor" not in done.stdout
    assert done.stderr.splitlines()[-1].startswith("not reached: the streams (until they have dropped")
    assert "removed from archive and dead-letters at AWS, us-east-1" in done.stderr
    assert stack.holders("L-1") == []


def test_a_program_reads_json(stack):
    done = belo("L-1", "--dry-run", "--json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["listing_id"], found["dry_run"], found["unreadable"]) == (0, "L-1", True, [])
    assert found["places"]["sales"] == {"traces": 3, "rewritten": 2, "deleted": 1, "old_versions": 0}
    assert stack.holders("L-1") != []


def test_a_dry_run_needs_no_yes_and_says_would(stack):
    done = belo("L-1", "--dry-run")
    assert (done.exit_code, "would be removed" in done.stdout, "removed from" in done.stderr) == (0, True, False)


def test_nothing_found_is_said_and_no_failure(stack):
    done = belo("L-2", "--yes")
    assert (done.exit_code, done.stdout) == (0, "L-2: nothing was found\n")


def test_without_a_terminal_and_without_yes_it_is_a_usage_failure(stack):
    done = belo("L-1")
    assert isinstance(done.exception, UsageFailure)
    assert "--yes" in str(done.exception)
    assert stack.holders("L-1") != []


@pytest.mark.parametrize(("answer", "gone"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_on_a_terminal_it_asks_and_only_yes_is_yes(stack, monkeypatch, answer, gone):
    monkeypatch.setattr("typer.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    done = CliRunner().invoke(app, ["forget", "L-1"], input=answer)
    assert "Take every trace of L-1 out of archive and dead-letters at AWS, us-east-1?" in done.stderr
    assert (stack.holders("L-1") == []) == gone
    if not gone:
        assert (type(done.exception), str(done.exception)) == (Failure, "nothing was changed")


def test_what_could_not_be_read_is_named_and_a_failure(stack):
    stack.s3.put_object(Bucket=DEAD_LETTERS, Key="aws/lambda/other", Body=b"no JSON")
    done = belo("L-1", "--yes")
    assert isinstance(done.exception, Failure)
    assert "cannot be read: dead-letters/aws/lambda/other" in done.stderr
    assert stack.holders("L-1") == []
