"""`belo consume` as it is called, against a cloud in memory."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from moto import mock_aws
from typer.testing import CliRunner, Result

from stream_consumer.cli import consume, streams
from terminal.errors import UsageFailure
from tests.stream_consumer.predictions import payload
from tests.stream_producer.test_cli import STACK


@pytest.fixture(autouse=True)
def kinesis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, client_of) -> Iterator:
    for name in [name for name in os.environ if name.startswith(("AWS_", "BELO_"))]:
        monkeypatch.delenv(name)
    for name, value in STACK.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    with mock_aws():
        client = client_of("kinesis")
        client.create_stream(StreamName="predictions", ShardCount=2)
        yield client


def put(kinesis, *numbers: int) -> None:
    for number in numbers:
        data = payload(number, listing_id=f"L-{number % 10}", sequence_number=1_000 - number)
        kinesis.put_record(StreamName="predictions", Data=data, PartitionKey=f"L-{number}")


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(consume)
    return CliRunner().invoke(app, arguments)


def events(result: Result) -> list[str]:
    assert result.exit_code == 0, result.exception
    return sorted(json.loads(line)["data"]["event_id"] for line in result.stdout.splitlines())


def test_json_lines_of_everything_each_once(kinesis) -> None:
    put(kinesis, 1, 2, 3, 2, 1)

    result = run("--format", "jsonl")

    assert events(result) == ["event-1", "event-2", "event-3"]
    assert result.stderr == "3 predictions, 2 repeats dropped\n"


def test_a_table_is_what_people_get(kinesis) -> None:
    put(kinesis, 1)

    assert "R$ 600.001" in run().stdout


def test_a_maximum_ends_it(kinesis) -> None:
    put(kinesis, *range(20))

    assert len(events(run("--format", "jsonl", "--max", "7", "--follow"))) == 7


def test_a_checkpoint_goes_on_where_the_last_call_ended(kinesis) -> None:
    put(kinesis, 1, 2)
    first = run("--format", "jsonl", "--checkpoint", "place")
    put(kinesis, 3)
    second = run("--format", "jsonl", "--checkpoint", "place", "--from", "latest")

    assert (events(first), events(second)) == (["event-1", "event-2"], ["event-3"])


def test_only_the_newest_of_each_listing(kinesis) -> None:
    put(kinesis, *range(25))  # lower numbers stood later on the input stream

    result = run("--format", "jsonl", "--latest-per-listing", "--checkpoint", "place")

    assert events(result) == [f"event-{number}" for number in range(10)]
    assert Path("place").exists()


def test_only_news_of_each_listing_while_following(kinesis) -> None:
    put(kinesis, 11, 1, 21)

    result = run("--format", "jsonl", "--latest-per-listing", "--follow", "--idle-timeout", "0.1")

    assert "event-1" in events(result)


def test_records_that_are_no_predictions_are_told_on_standard_error(kinesis) -> None:
    put(kinesis, 1)
    kinesis.put_record(StreamName="predictions", Data=b"[red]?[/red]", PartitionKey="x")

    result = run("--format", "csv")

    assert len(result.stdout.splitlines()) == 2
    assert "not a prediction" in result.stderr
    assert result.stderr.endswith("1 predictions, 0 repeats dropped, 1 records that are no predictions\n")


@pytest.mark.parametrize("arguments", [("--from", "yesterday"), ("--format", "xml")])
def test_options_that_mean_nothing_are_a_mistake_of_the_caller(arguments: tuple[str, str]) -> None:
    result = run(*arguments)

    assert isinstance(result.exception, UsageFailure)
    assert str(result.exception).startswith(f"{arguments[0]}: expected")


def test_a_time_to_begin_at_may_leave_out_its_zone(kinesis) -> None:
    put(kinesis, 1)

    assert events(run("--format", "jsonl", "--from", "2020-01-01T00:00:00")) == ["event-1"]
    assert events(run("--format", "jsonl", "--from", "2020-01-01T00:00:00+01:00")) == ["event-1"]


def run_streams(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(streams)
    return CliRunner().invoke(app, arguments)


def test_streams_shows_both_streams_and_how_far_a_checkpoint_is_behind(kinesis, client_of, tmp_path: Path) -> None:
    kinesis.create_stream(StreamName="listings", ShardCount=1)
    client_of("s3").create_bucket(Bucket=STACK["BELO_DEAD_LETTERS_BUCKET"])
    put(kinesis, 1, 2, 3)
    run("--format", "jsonl", "--checkpoint", str(tmp_path / "checkpoint"))

    result = run_streams("--json", "--checkpoint", str(tmp_path / "checkpoint"))

    assert result.exit_code == 0, result.exception
    overview = json.loads(result.stdout)
    assert [(each["stream"], len(each["shards"])) for each in overview["streams"]] == [
        ("listings", 1),
        ("predictions", 2),
    ]
    assert sum(each["records_a_minute"] for each in overview["streams"][1]["shards"]) == 3
    assert [each["lag"] for each in overview["streams"][1]["shards"]] == [0.0, 0.0]
    assert (overview["iterator_age"], overview["dead_letters"], overview["parked_batches"]) == (None, 0, 0)
    assert "iterator age of the function: unknown" in run_streams().stdout
