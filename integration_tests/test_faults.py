"""What Lambda does with what the function reports: replays, retries, parking. Only LocalStack honours it."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import pytest

from integration_tests.cloud import Cloud, Reader, until
from integration_tests.faulty_kinesis import standing_before
from pricing.prediction import PredictionEvent
from tests.events import payload
from tests.scenarios import Outcome, Scenario, SickStream, test_what_comes_of

__all__ = ["test_what_comes_of"]

QUIET = 3.0  # seconds in which a replay too many would show
SECONDS, MARGIN = 7, {"BELO_DEADLINE_MARGIN_MS": "5000"}  # of an invocation: so that a test need not wait long for one


@pytest.fixture(autouse=True)
def _honoured(emulator):
    if emulator == "ministack":
        pytest.skip("MiniStack ignores partial batch responses, retry limits and on-failure destinations")


@contextmanager
def function_of_its_own(cloud: Cloud, name: str, **environment: str) -> Iterator[str]:
    """Yield the name of the deployed code in an environment changed for the worse, and of a stream for it."""
    functions, kinesis, stack = cloud.stack.client("lambda"), cloud.kinesis, cloud.stack
    deployed = functions.get_function_configuration(FunctionName=stack.score_function)
    (bundle,) = cloud.keys(stack.models_bucket, "bundles/")
    unique = f"{name}-{uuid.uuid4().hex[:8]}"
    kinesis.create_stream(StreamName=unique, ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName=unique, WaiterConfig={"Delay": 1})
    functions.create_function(
        FunctionName=unique,
        Runtime=deployed["Runtime"],
        Handler=deployed["Handler"],
        Role=deployed["Role"],
        Timeout=SECONDS,
        Code={"S3Bucket": stack.models_bucket, "S3Key": bundle},
        Environment={"Variables": deployed["Environment"]["Variables"] | MARGIN | environment},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=unique)
    try:
        yield unique
    finally:
        functions.delete_function(FunctionName=unique)
        kinesis.delete_stream(StreamName=unique)


@contextmanager
def mapping(cloud: Cloud, name: str, *, batch_size: int, retries: int) -> Iterator[None]:
    """Let the function of its own have what stands on its stream."""
    functions = cloud.stack.client("lambda")
    summary = cloud.kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    made = functions.create_event_source_mapping(
        FunctionName=name,
        EventSourceArn=summary["StreamARN"],
        StartingPosition="TRIM_HORIZON",
        BatchSize=batch_size,
        MaximumRetryAttempts=retries,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        DestinationConfig={"OnFailure": {"Destination": f"arn:aws:s3:::{cloud.stack.dead_letters_bucket}"}},
    )["UUID"]
    try:
        yield
    finally:
        functions.delete_event_source_mapping(UUID=made)


def put(cloud: Cloud, stream: str, payloads: list[bytes]) -> None:
    records = [{"Data": data, "PartitionKey": "one"} for data in payloads]
    assert cloud.kinesis.put_records(StreamName=stream, Records=records)["FailedRecordCount"] == 0


@pytest.fixture
def run(cloud, endpoint) -> Callable[[Scenario], Outcome]:
    """Runs a scenario with a function, a stream and a mapping of its own."""

    def run(scenario: Scenario) -> Outcome:
        sick, bucket = SickStream(scenario), cloud.stack.dead_letters_bucket
        before = set(cloud.keys(bucket, "aws/lambda/"))
        reader = Reader(cloud.kinesis, cloud.stack.predictions_stream)

        def outcome() -> Outcome:
            mine = [each for each in reader.read() if each["subject"].startswith(f"{scenario.name}-")]
            keys = sorted(set(cloud.keys(bucket, "aws/lambda/")) - before)
            parked = [cloud.s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys]
            return sick.outcome([msgspec.convert(each, PredictionEvent) for each in mine], parked)

        def settled() -> bool:
            found = outcome()
            parked = {number for held, _, _ in found.parked for number in held}
            return all(times or number in parked for number, times in enumerate(found.delivered))

        with (
            standing_before(endpoint, sick) as faulty,
            function_of_its_own(cloud, scenario.name, AWS_ENDPOINT_URL_KINESIS=faulty) as name,
        ):
            put(cloud, name, scenario.payloads)  # before the mapping is there, so that batches are full
            with mapping(cloud, name, batch_size=scenario.batch_size, retries=scenario.retries):
                until(settled, "every listing has a price or is parked")
                time.sleep(QUIET)
        found = outcome()
        for key in set(cloud.keys(bucket, "aws/lambda/")) - before:  # else others would redrive them
            cloud.s3.delete_object(Bucket=bucket, Key=key)
        return found

    return run


def test_a_parked_batch_is_redriven_once_the_fault_is_mended(cloud):
    names = [f"parked-{n}" for n in range(5)]
    bucket, functions = cloud.stack.dead_letters_bucket, cloud.stack.client("lambda")
    before = set(cloud.keys(bucket, "aws/lambda/"))
    letters = len(cloud.dead_letters())
    with (
        function_of_its_own(cloud, "parked", BELO_MODELS_BUCKET="no-such-bucket") as stream,
        mapping(cloud, stream, batch_size=100, retries=1),
    ):
        put(cloud, stream, [payload(name) for name in names])
        (key,) = until(lambda: set(cloud.keys(bucket, "aws/lambda/")) - before, "the batch is parked")
        assert cloud.predictions("parked-") == {}
        assert len(cloud.dead_letters()) == letters  # not one good record became a dead letter

        spoiled = functions.get_function_configuration(FunctionName=stream)["Environment"]["Variables"]
        mended = spoiled | {"BELO_MODELS_BUCKET": cloud.stack.models_bucket}
        functions.update_function_configuration(FunctionName=stream, Environment={"Variables": mended})
        functions.get_waiter("function_updated_v2").wait(FunctionName=stream)
        promised = json.loads(
            cloud.belo("redrive", "--reason", "parked", "--dry-run", "--json", BELO_LISTINGS_STREAM=stream).stdout
        )
        assert promised["reasons"]["parked"] == len(names)
        assert key in cloud.keys(bucket, "aws/lambda/")
        cloud.belo("redrive", "--reason", "parked", BELO_LISTINGS_STREAM=stream)
        until(lambda: cloud.predictions("parked-").keys() == set(names), "the redriven listings have a price")
    assert key not in cloud.keys(bucket, "aws/lambda/")
