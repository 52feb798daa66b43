"""What Lambda does with what the function reports: replays, retries, parking. Only LocalStack honours it."""

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from integration_tests.cloud import Reader, until
from integration_tests.faulty_kinesis import refusing
from tests.events import payload


@pytest.fixture(autouse=True)
def _honoured(emulator):
    if emulator == "ministack":
        pytest.skip("MiniStack ignores partial batch responses, retry limits and on-failure destinations")


@contextmanager
def function_of_its_own(cloud, name: str, *, retries: int, **environment: str) -> Iterator[str]:
    """Yield an input stream with the deployed code behind it, in an environment changed for the worse."""
    functions, kinesis, stack = cloud.stack.client("lambda"), cloud.kinesis, cloud.stack
    deployed = functions.get_function_configuration(FunctionName=stack.score_function)
    (bundle,) = cloud.keys(stack.models_bucket, "bundles/")
    stream = f"{name}-{uuid.uuid4().hex[:8]}"
    kinesis.create_stream(StreamName=stream, ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName=stream, WaiterConfig={"Delay": 1})
    functions.create_function(
        FunctionName=stream,
        Runtime=deployed["Runtime"],
        Handler=deployed["Handler"],
        Role=deployed["Role"],
        Timeout=7,
        Code={"S3Bucket": stack.models_bucket, "S3Key": bundle},
        Environment={"Variables": deployed["Environment"]["Variables"] | environment},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=stream)
    mapping = functions.create_event_source_mapping(
        FunctionName=stream,
        EventSourceArn=kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"][
            "StreamARN"
        ],
        StartingPosition="TRIM_HORIZON",
        BatchSize=100,
        MaximumRetryAttempts=retries,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        DestinationConfig={"OnFailure": {"Destination": f"arn:aws:s3:::{stack.dead_letters_bucket}"}},
    )["UUID"]
    try:
        yield stream
    finally:
        functions.delete_event_source_mapping(UUID=mapping)
        functions.delete_function(FunctionName=stream)
        kinesis.delete_stream(StreamName=stream)


def put(cloud, stream: str, *payloads: bytes) -> None:
    records = [{"Data": data, "PartitionKey": "one"} for data in payloads]
    assert cloud.kinesis.put_records(StreamName=stream, Records=records)["FailedRecordCount"] == 0


def test_what_the_output_stream_refuses_is_replayed_from_there_and_nothing_before_it(cloud, endpoint):
    names = [f"partial-{n}" for n in range(20)]
    sick_until = time.monotonic() + 12

    def refuse(data: bytes) -> bool:
        return b'"subject":"partial-12"' in data and time.monotonic() < sick_until

    with (
        refusing(endpoint, refuse) as faulty,
        function_of_its_own(
            cloud, "partial", retries=-1, AWS_ENDPOINT_URL_KINESIS=faulty, BELO_DEADLINE_MARGIN_MS="5000"
        ) as stream,
    ):
        put(cloud, stream, *[payload(name) for name in names])
        until(lambda: cloud.predictions("partial-").keys() == set(names), "every listing has a price")
    everything = Reader(cloud.kinesis, cloud.stack.predictions_stream).read()
    times = {name: sum(event["subject"] == name for event in everything) for name in names}
    assert times["partial-12"] == 1
    assert all(times[name] == 1 for name in names[:12]), times  # they were checkpointed
    assert all(times[name] >= 2 for name in names[13:]), times  # they were replayed


def test_a_batch_that_cannot_be_scored_is_parked_whole_and_redriven_once_the_fault_is_mended(cloud):
    names = [f"parked-{n}" for n in range(5)]
    bucket, functions = cloud.stack.dead_letters_bucket, cloud.stack.client("lambda")
    before = set(cloud.keys(bucket, "aws/lambda/"))
    letters = len(cloud.dead_letters())
    with function_of_its_own(cloud, "parked", retries=1, BELO_MODELS_BUCKET="no-such-bucket") as stream:
        put(cloud, stream, *[payload(name) for name in names])
        (key,) = until(lambda: set(cloud.keys(bucket, "aws/lambda/")) - before, "the batch is parked")
        parked: dict[str, Any] = json.loads(cloud.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        assert parked["KinesisBatchInfo"]["batchSize"] == len(names)
        assert cloud.predictions("parked-") == {}
        assert len(cloud.dead_letters()) == letters  # not one good record became a dead letter

        mended = functions.get_function_configuration(FunctionName=cloud.stack.score_function)["Environment"]
        functions.update_function_configuration(FunctionName=stream, Environment=mended)
        functions.get_waiter("function_updated_v2").wait(FunctionName=stream)
        promised = json.loads(cloud.belo("redrive", "--dry-run", "--json", BELO_LISTINGS_STREAM=stream).stdout)
        assert promised["reasons"]["parked"] == len(names)
        assert key in cloud.keys(bucket, "aws/lambda/")
        cloud.belo("redrive", "--reason", "parked", BELO_LISTINGS_STREAM=stream)
        until(lambda: cloud.predictions("parked-").keys() == set(names), "the redriven listings have a price")
    assert key not in cloud.keys(bucket, "aws/lambda/")
