"""What is in the function's role is needed. That it suffices, every other test on MiniStack proves."""

import json
import time
from base64 import b64encode
from collections.abc import Iterator

import pytest

from integration_tests.cloud import Cloud
from tests.events import payload


@pytest.fixture(autouse=True)
def _enforced(emulator):
    if emulator != "ministack":
        pytest.skip("LocalStack's community edition does not enforce IAM")


def role(cloud: Cloud) -> str:
    """Return the name of the function's role."""
    deployed = cloud.stack.client("lambda").get_function_configuration(FunctionName=cloud.stack.score_function)
    return deployed["Role"].rpartition("/")[2]


@pytest.fixture
def policy(cloud) -> Iterator[dict]:
    """What the role may do, put back after the test."""
    iam = cloud.stack.client("iam")
    names = {"RoleName": role(cloud), "PolicyName": "least-privilege"}
    before = iam.get_role_policy(**names)["PolicyDocument"]
    yield before
    iam.put_role_policy(**names, PolicyDocument=json.dumps(before))


def invoke(cloud: Cloud, *payloads: bytes) -> dict:
    """Invoke the function, started anew, with a batch."""
    functions = cloud.stack.client("lambda")
    deployed = functions.get_function_configuration(FunctionName=cloud.stack.score_function)
    functions.update_function_configuration(
        FunctionName=cloud.stack.score_function, Environment=deployed["Environment"]
    )
    record = {"sequenceNumber": "1", "partitionKey": "a", "approximateArrivalTimestamp": time.time()}
    records = [
        {"eventID": "shardId-000000000000:1", "kinesis": record | {"data": b64encode(data).decode()}}
        for data in payloads
    ]
    reply = functions.invoke(FunctionName=cloud.stack.score_function, Payload=json.dumps({"Records": records}))
    return json.loads(reply["Payload"].read())


@pytest.mark.parametrize(
    ("statement", "denied"),
    [
        ("PublishPredictions", "kinesis:PutRecords"),
        ("LoadModels", "s3:GetObject"),
        ("WriteDeadLetters", "s3:PutObject"),
    ],
)
def test_without_a_statement_of_its_policy_the_function_fails(cloud, policy, statement, denied):
    less = policy | {"Statement": [each for each in policy["Statement"] if each["Sid"] != statement]}
    assert len(less["Statement"]) == len(policy["Statement"]) - 1
    cloud.stack.client("iam").put_role_policy(
        RoleName=role(cloud),
        PolicyName="least-privilege",
        PolicyDocument=json.dumps(less),
    )
    answer = invoke(cloud, payload("denied"), b"not JSON")
    assert f"is not authorized to perform: {denied}" in answer["errorMessage"]
