"""`belo publish` and `belo redrive` as they are called, against a cloud in memory."""

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import typer
from moto import mock_aws
from typer.testing import CliRunner, Result

from stream_producer.cli import publish, redrive
from terminal.errors import Failure, UsageFailure
from tests.stream_producer.dead_letters_bucket.test_redrive import FIRST, letter, put_letters

STACK = {
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "BELO_LISTINGS_STREAM": "listings",
    "BELO_PREDICTIONS_STREAM": "predictions",
    "BELO_MODELS_BUCKET": "models",
    "BELO_DEAD_LETTERS_BUCKET": "dead-letters",
    "BELO_ARCHIVE_BUCKET": "archive",
    "BELO_SCORE_FUNCTION": "score",
}


@pytest.fixture(autouse=True)
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in [name for name in os.environ if name.startswith(("AWS_", "BELO_"))]:
        monkeypatch.delenv(name)
    for name, value in STACK.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    with mock_aws():
        boto3.client("kinesis", region_name="us-east-1").create_stream(StreamName="listings", ShardCount=2)
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="dead-letters")
        yield


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(publish)
    app.command()(redrive)
    return CliRunner().invoke(app, arguments)


def published() -> list[dict]:
    kinesis = boto3.client("kinesis", region_name="us-east-1")
    records = []
    for shard in kinesis.list_shards(StreamName="listings")["Shards"]:
        place = kinesis.get_shard_iterator(
            StreamName="listings", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )
        records += kinesis.get_records(ShardIterator=place["ShardIterator"])["Records"]
    return records


def test_publish_sends_a_file_and_prints_its_summary_as_json() -> None:
    Path("a.csv").write_text("neighborhood,square-foot\nCentro,40\nCentro,--\nBuritis,50-60\n")

    assert run("publish", "a.csv").exit_code == 1

    result = run("publish", "a.csv", "--json", "--max-invalid", "1")

    assert result.exit_code == 0
    summary = json.loads(result.stdout)
    assert {name: summary[name] for name in ("published", "failed", "invalid", "retried")} == {
        "published": 2,
        "failed": 0,
        "invalid": 1,
        "retried": 0,
    }
    assert "line 3 is not sent: area_m2: required" in result.stderr
    assert sorted(record["PartitionKey"][-2:] for record in published()) == ["-1", "-1", "-3", "-3"]


def test_publish_sums_up_for_people() -> None:
    Path("a.csv").write_text("neighborhood,square-foot\nCentro,40\n")

    result = run("publish", "a.csv", "--limit", "3")

    assert result.stdout.startswith("published 3 events in ")
    assert "0 rows invalid, 0 sent again" in result.stdout


def test_publish_packs_events_on_request() -> None:
    Path("a.csv").write_text("neighborhood,square-foot\n" + 100 * "Centro,40\n")

    summary = json.loads(run("publish", "a.csv", "--aggregate", "--json").stdout)

    assert summary["published"] == 100
    assert len(published()) < 65
    assert all(record["Data"].startswith(b"\xf3\x89\x9a\xc2") for record in published())


def test_a_missing_file_is_a_mistake_of_the_caller() -> None:
    assert isinstance(run("publish", "a.csv").exception, UsageFailure)


def test_redrive_by_reason_dry_and_then_in_earnest() -> None:
    s3 = boto3.client("s3", region_name="us-east-1")
    put_letters(s3, FIRST, [letter(1), letter(2, "invalid_json")])

    dry = run("redrive", "--reason", "invalid_json", "--dry-run", "--json")
    assert json.loads(dry.stdout) == {
        "chosen": 1,
        "redriven": 0,
        "objects": 1,
        "unreadable": 0,
        "reasons": {"invalid_json": 1},
    }
    assert published() == []

    result = run("redrive", "--reason", "invalid_json")
    assert result.stdout == "1 letters of 1 objects redriven: 1 invalid_json\n"
    assert [record["PartitionKey"] for record in published()] == ["key-2"]
    assert run("redrive", "--since", "2026-11-24").stdout == "0 letters of 0 objects redriven\n"
    assert (
        run("redrive", "--since", "2026-11-23T12:00").stdout == "1 letters of 1 objects redriven: 1 invalid_listing\n"
    )


def test_redrive_fails_where_an_object_cannot_be_read() -> None:
    boto3.client("s3", region_name="us-east-1").put_object(Bucket="dead-letters", Key=FIRST, Body=gzip.compress(b"{"))

    result = run("redrive")

    assert isinstance(result.exception, Failure)
    assert FIRST in result.stderr


@pytest.mark.parametrize("arguments", [("--reason", "bad"), ("--since", "yesterday"), ("--since", "")])
def test_a_choice_that_means_nothing_is_a_mistake_of_the_caller(arguments: tuple[str, str]) -> None:
    result = run("redrive", *arguments)

    assert isinstance(result.exception, UsageFailure)
    assert str(result.exception).startswith(f"{arguments[0]}: expected")
