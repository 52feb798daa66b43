"""Whoever speaks to the stack in a name of his own: functions' roles, the worker's, and people with their policies."""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from belo import terraform
from integration_tests.cloud import Cloud
from terminal.stack import Stack

EVERYBODY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}
# AWS knows whose a shard iterator is. MiniStack does not, and asks for every stream: iterators it gives for ours alone.
ITERATORS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "kinesis:GetRecords", "Resource": "*"}],
}


@dataclass(frozen=True)
class Somebody:
    """A principal's own keys, for boto3 and for the command line."""

    stack: Stack
    keys: dict[str, str]

    def __call__(self, service: str) -> Any:
        """Return a client that speaks in this name."""
        names = {f"aws_{name}": value for name, value in self.keys.items()}
        return boto3.client(service, endpoint_url=self.stack.endpoint_url, region_name=self.stack.region, **names)

    @property
    def environment(self) -> dict[str, str]:
        """The variables of the environment that `belo` takes the keys from."""
        return {f"AWS_{name.upper()}": value for name, value in self.keys.items()}


@pytest.fixture(scope="module")
def queue(cloud: Cloud) -> Iterator[str]:
    """The queue of retraining requests; it is made where the stack goes without one."""
    sqs, name = cloud.stack.client("sqs"), "retraining-requests"
    if cloud.stack.retraining_queue:
        yield cloud.stack.retraining_queue
        return
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    yield name
    sqs.delete_queue(QueueUrl=url)


@pytest.fixture(scope="module")
def somebody(cloud: Cloud, workdir, queue) -> Iterator[Callable[[str], Somebody]]:
    """Whoever is named: a function's role, one of the people, or the worker, whose role is made from its policy."""
    iam, sts = cloud.stack.client("iam"), cloud.stack.client("sts")
    region, known = cloud.stack.region, {}
    worker = f"train-worker-{uuid.uuid4().hex[:8]}"
    iam.create_role(RoleName=worker, AssumeRolePolicyDocument=json.dumps(EVERYBODY))
    iam.put_role_policy(RoleName=worker, PolicyName="least-privilege", PolicyDocument=_planned(workdir, "worker"))
    users = _users(iam, cloud.stack)

    def find(name: str) -> Somebody:
        if name not in known:
            known[name] = users[name] if name in users else _role(name)
        return Somebody(cloud.stack, known[name])

    def _role(name: str) -> dict[str, str]:
        role = worker if name == "train-worker" else f"belo-{name}-{region}"
        arn = iam.get_role(RoleName=role)["Role"]["Arn"]
        made = sts.assume_role(RoleArn=arn, RoleSessionName="of-a-test")["Credentials"]
        names = {
            "access_key_id": "AccessKeyId",
            "secret_access_key": "SecretAccessKey",
            "session_token": "SessionToken",
        }
        return {ours: made[theirs] for ours, theirs in names.items()}

    yield find
    iam.delete_role_policy(RoleName=worker, PolicyName="least-privilege")
    iam.delete_role(RoleName=worker)
    _forget(iam, users)


def _planned(workdir: Path, name: str) -> str:
    """Return a policy as Terraform rendered it, also one that nothing on this cloud has."""
    state = json.loads((workdir / "infra" / terraform.LOCAL / "terraform.tfstate").read_text())
    (found,) = [
        each for each in state["resources"] if (each["type"], each["name"]) == ("aws_iam_policy_document", name)
    ]
    policy: str = found["instances"][0]["attributes"]["json"]
    return policy


def _users(iam: Any, stack: Stack) -> dict[str, dict[str, str]]:
    """Return the keys of users made anew, each with the policy of his name and no other."""
    users = {}
    for policy in iam.list_policies(Scope="Local")["Policies"]:
        name = policy["PolicyName"].removeprefix("belo-").removesuffix(f"-{stack.region}")
        iam.create_user(UserName=f"of-a-test-{name}")
        iam.attach_user_policy(UserName=f"of-a-test-{name}", PolicyArn=policy["Arn"])
        made = iam.create_access_key(UserName=f"of-a-test-{name}")["AccessKey"]
        users[name] = {"access_key_id": made["AccessKeyId"], "secret_access_key": made["SecretAccessKey"]}
    for name in ("consumer", "operator"):
        iam.put_user_policy(UserName=f"of-a-test-{name}", PolicyName="iterators", PolicyDocument=json.dumps(ITERATORS))
    return users


def _forget(iam: Any, users: dict[str, dict[str, str]]) -> None:
    for name, keys in users.items():
        user = f"of-a-test-{name}"
        for policy in iam.list_attached_user_policies(UserName=user)["AttachedPolicies"]:
            iam.detach_user_policy(UserName=user, PolicyArn=policy["PolicyArn"])
        for policy in iam.list_user_policies(UserName=user)["PolicyNames"]:
            iam.delete_user_policy(UserName=user, PolicyName=policy)
        iam.delete_access_key(UserName=user, AccessKeyId=keys["access_key_id"])
        iam.delete_user(UserName=user)
