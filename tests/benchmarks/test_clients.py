"""The server that clients are measured against, and the function of the course."""

import json
from collections.abc import Iterator

import boto3
import pytest

from benchmarks.speed.references import loopback
from benchmarks.speed.references.course_lambda import CourseLambda
from benchmarks.speed.sections import streams
from lambdas.aws.put_records import put_records
from lambdas.scoring.publish import Outgoing
from stream_consumer.testing import MemoryStream, priced
from stream_producer.publisher import publishing_client
from tests.events import batch, payload


@pytest.fixture
def url(tmp_path, monkeypatch) -> Iterator[str]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "predictions").write_bytes(priced("L-1") + b"\n" + priced("L-2") + b"\n")
    with loopback.running("predictions", 40) as address:
        yield address


def test_what_is_put_is_taken(url):
    kinesis = publishing_client(streams.stack(url))
    assert put_records(kinesis, "listings", [Outgoing(n, f"{n}", b"{}") for n in range(3)]) == ([], "")
    assert kinesis.put_record(StreamName="listings", Data=b"{}", PartitionKey="1")["ShardId"]
    slow = boto3.client("kinesis", "us-east-1", endpoint_url=url, **KEYS)
    answers = slow.put_records(StreamName="listings", Records=[{"Data": b"{}", "PartitionKey": "1"}] * 3)["Records"]
    assert len({each["SequenceNumber"] for each in answers}) == 3


def test_both_commands_do_the_whole_of_their_work_there(url, capsys):
    rows = "".join(f"Centro,{40 + n}\n" for n in range(30))
    streams.Path(streams.CSV).write_text(f"neighborhood,area_m2\n{rows}")
    stack = streams.stack(url)
    streams.publish(stack, 30)
    streams.bare_puts(stack, 30)()
    streams.consume(stack, 40)
    streams.bare_reads(stack, 40)


def test_the_course_predicts_and_puts_a_record_at_a_time():
    class Model:
        def predict(self, features):
            return [features["area_m2"] * 1_000]

    stream = MemoryStream("predictions")
    answer = CourseLambda(Model(), stream)(batch(payload("L-1", area_m2=70.0), payload("L-2", area_m2=80.0)))
    assert [each["prediction"]["price"] for each in answer["predictions"]] == [70_000, 80_000]
    assert [json.loads(each["Data"]) for each in stream.records()] == answer["predictions"]


KEYS = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
