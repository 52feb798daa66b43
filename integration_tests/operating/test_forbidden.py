"""What is none of a role's or a person's business the cloud refuses; and what they are there for succeeds."""

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from integration_tests.cloud import Cloud, until
from integration_tests.principals import Somebody
from training.registry.models_bucket import ModelsBucket

pytestmark = pytest.mark.slow

HOME = ("--neighborhood", "Buritis", "--area", "102", "--rooms", "3")


@pytest.fixture(scope="module", autouse=True)
def _enforced(emulator):
    if emulator != "ministack":
        pytest.skip("LocalStack's community edition does not enforce IAM")


@pytest.fixture
def tidy(cloud: Cloud) -> Iterator[None]:
    """Nothing that is written remains: other tests read these buckets, too."""
    buckets = (cloud.stack.archive_bucket, cloud.stack.models_bucket)
    before = {(bucket, key) for bucket in buckets for key in cloud.keys(bucket, "")}
    yield
    written = {(bucket, key) for bucket in buckets for key in cloud.keys(bucket, "")} - before
    for bucket, key in written:
        if OURS in key or key.startswith("sales/"):  # predictions come of themselves
            cloud.s3.delete_object(Bucket=bucket, Key=key)


# --- what is done -----------------------------------------------------------------------------------------------------

Act = Callable[[Somebody], object]


def puts_a_record_on(stream: str) -> Act:
    record = {"Data": b"{}", "PartitionKey": "a"}
    return lambda who: who("kinesis").put_records(StreamName=getattr(who.stack, f"{stream}_stream"), Records=[record])


def reads(bucket: str, key: str) -> Act:
    return lambda who: who("s3").get_object(Bucket=getattr(who.stack, f"{bucket}_bucket"), Key=key)["Body"].read()


def writes(bucket: str, key: str) -> Act:
    return lambda who: who("s3").put_object(Bucket=getattr(who.stack, f"{bucket}_bucket"), Key=key, Body=b"{}")


def deletes(bucket: str, key: str) -> Act:
    return lambda who: who("s3").delete_object(Bucket=getattr(who.stack, f"{bucket}_bucket"), Key=key)


def lists(bucket: str) -> Act:
    return lambda who: who("s3").list_objects_v2(Bucket=getattr(who.stack, f"{bucket}_bucket"))


def reads_the_stream(stream: str) -> Act:
    def act(who: Somebody) -> object:
        where = {"StreamName": getattr(who.stack, f"{stream}_stream"), "ShardId": "shardId-000000000000"}
        return who("kinesis").get_shard_iterator(**where, ShardIteratorType="TRIM_HORIZON")

    return act


def takes_up_a_request(who: Somebody) -> object:
    sqs = who("sqs")
    url = sqs.get_queue_url(QueueName="retraining-requests")["QueueUrl"]
    return sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0)


def asks_for_a_retraining(who: Somebody) -> object:
    url = who.stack.client("sqs").get_queue_url(QueueName="retraining-requests")["QueueUrl"]
    return who("sqs").send_message(QueueUrl=url, MessageBody="{}")


def announces_a_drift(who: Somebody) -> object:
    return who("events").put_events(Entries=[{"Source": "belo.monitor", "DetailType": "DriftDetected", "Detail": "{}"}])


def sees_who_served(who: Somebody) -> object:
    return ModelsBucket(who("s3"), who.stack.models_bucket).champions()


def invokes(function: str) -> Act:
    return lambda who: who("lambda").invoke(FunctionName=function, Payload=b"{}")


def takes_on(role: str) -> Act:
    def act(who: Somebody) -> object:
        arn = who.stack.client("iam").get_role(RoleName=f"belo-{role}-{who.stack.region}")["Role"]["Arn"]
        return who("sts").assume_role(RoleArn=arn, RoleSessionName="forbidden")

    return act


def gives_himself_everything(who: Somebody) -> object:
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
    return who("iam").put_role_policy(
        RoleName=f"belo-score-{who.stack.region}", PolicyName="everything", PolicyDocument=policy
    )


CHAMPION = "house-price/champion.json"
LETTER, SALE = "dead-letters/a.jsonl.gz", "sales/dt=2026-01-01/a.ndjson"
OURS = "of-a-test"  # in the key of everything that is written here

FORBIDDEN = [
    ("score", puts_a_record_on("listings"), "kinesis:PutRecords"),
    ("score", reads("archive", "predictions/a.jsonl.gz"), "s3:GetObject"),
    ("score", writes("models", CHAMPION), "s3:PutObject"),
    ("score", deletes("models", "house-price/versions/1/model.onnx"), "s3:DeleteObject"),
    ("score", reads("dead_letters", LETTER), "s3:GetObject"),
    ("score", announces_a_drift, "events:PutEvents"),
    ("score", gives_himself_everything, "iam:PutRolePolicy"),
    ("archive", reads_the_stream("listings"), "kinesis:GetShardIterator"),
    ("archive", writes("archive", SALE), "s3:PutObject"),
    ("archive", reads("archive", "predictions/a.jsonl.gz"), "s3:GetObject"),
    ("monitor", writes("models", CHAMPION), "s3:PutObject"),
    ("monitor", deletes("archive", "monitor/latest.json"), "s3:DeleteObject"),
    ("monitor", asks_for_a_retraining, "sqs:SendMessage"),
    ("price-api", writes("models", CHAMPION), "s3:PutObject"),
    ("price-api", puts_a_record_on("predictions"), "kinesis:PutRecords"),
    ("train-worker", deletes("models", CHAMPION), "s3:DeleteObject"),
    ("train-worker", deletes("models", "house-price/versions/1/model.onnx"), "s3:DeleteObject"),
    ("train-worker", writes("models", "bundles/belo.zip"), "s3:PutObject"),
    ("train-worker", writes("archive", SALE), "s3:PutObject"),
    ("train-worker", asks_for_a_retraining, "sqs:SendMessage"),
    ("publisher", reads_the_stream("predictions"), "kinesis:GetShardIterator"),
    ("publisher", puts_a_record_on("predictions"), "kinesis:PutRecords"),
    ("publisher", reads("archive", SALE), "s3:GetObject"),
    ("publisher", writes("archive", "sales/decisions/dt=2026-01-01/a.ndjson"), "s3:PutObject"),
    ("consumer", puts_a_record_on("listings"), "kinesis:PutRecords"),
    ("consumer", lists("archive"), "s3:ListBucket"),
    ("consumer", reads_the_stream("listings"), "kinesis:GetShardIterator"),
    ("pricer", invokes("price-api"), "lambda:InvokeFunction"),
    ("pricer", reads("models", CHAMPION), "s3:GetObject"),
    ("operator", puts_a_record_on("predictions"), "kinesis:PutRecords"),
    ("operator", deletes("models", CHAMPION), "s3:DeleteObject"),
    ("operator", takes_on("score"), "sts:AssumeRole"),
    ("auditor", writes("models", CHAMPION), "s3:PutObject"),
    ("auditor", reads("models", "house-price/versions/1/comparables.json.gz"), "s3:GetObject"),
    ("auditor", reads("archive", "retraining/data/a.json.gz"), "s3:GetObject"),
    ("auditor", reads_the_stream("listings"), "kinesis:GetShardIterator"),
]

ALLOWED = [
    ("score", reads("models", CHAMPION)),
    ("archive", writes("archive", f"foreign/{OURS}")),
    ("monitor", lists("archive")),
    ("price-api", reads("models", "house-price/versions/1/model.onnx")),
    ("train-worker", takes_up_a_request),
    ("train-worker", writes("archive", f"retraining/claims/{OURS}.json")),
    ("train-worker", reads("models", "house-price/versions/1/manifest.json")),
    ("train-worker", writes("models", f"house-price/versions/{OURS}/manifest.json")),
    ("train-worker", deletes("models", "house-price/challenger.json")),
    ("train-worker", lists("archive")),
    ("train-worker", sees_who_served),
    ("auditor", reads("models", "house-price/versions/1/manifest.json")),
    ("auditor", lists("dead_letters")),
]


@pytest.mark.parametrize(("who", "act", "action"), FORBIDDEN, ids=[f"{who}-{action}" for who, _, action in FORBIDDEN])
def test_what_is_none_of_somebodys_business_is_refused(somebody, who, act, action):
    with pytest.raises(ClientError, match=rf"not authorized to perform: {action}\b") as refused:
        act(somebody(who))
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] in {400, 403}


@pytest.mark.usefixtures("tidy")
@pytest.mark.parametrize(("who", "act"), ALLOWED, ids=[who for who, _ in ALLOWED])
def test_what_somebody_is_there_for_succeeds(somebody, who, act):
    act(somebody(who))


def test_a_publisher_publishes_and_a_consumer_hears_with_their_policies(cloud, somebody, tmp_path):
    listing = f"F-{uuid.uuid4().hex[:8]}"
    file = tmp_path / "home.csv"
    file.write_text(f"listing_id,neighborhood,area_m2,rooms\n{listing},Buritis,102,3\n")
    cloud.belo("publish", str(file), **somebody("publisher").environment)

    def heard() -> list[str]:
        consume = ("consume", "--idle-timeout", "1", "--format", "jsonl", "--listing", listing)
        return cloud.belo(*consume, **somebody("consumer").environment).stdout.splitlines()

    (line,) = until(heard, "the price")
    assert json.loads(line)["data"]["listing_id"] == listing
    assert "not authorized" in cloud.belo("publish", str(file), exit_code=1, **somebody("consumer").environment).stderr


@pytest.mark.usefixtures("tidy")
def test_a_publisher_reports_sales_and_a_pricer_asks_for_a_price(cloud, somebody, tmp_path):
    file = tmp_path / "sales.csv"
    file.write_text("listing_id,sale_price,sold_at\nF-nobody,500000,2026-11-24T12:00:00Z\n")
    cloud.belo("report-sales", str(file), **somebody("publisher").environment)
    asked = json.loads(cloud.belo("price", *HOME, "--json", **somebody("pricer").environment).stdout)
    assert asked["predicted_price"] > 0
    cloud.belo("price", *HOME, exit_code=1, **somebody("consumer").environment)


@pytest.mark.usefixtures("tidy")
def test_an_operator_looks_redrives_and_forgets_with_his_policy(cloud, somebody):
    began = datetime.now(UTC).isoformat()
    cloud.put(b"not JSON: of-a-test")
    until(lambda: any(b"of-a-test" in each["payload"] for each in cloud.dead_letters()), "the dead letter")
    for command in ("streams", "models", "history", "sales", f"redrive --since {began}", "forget of-a-test --yes"):
        cloud.belo(*command.split(), **somebody("operator").environment)
