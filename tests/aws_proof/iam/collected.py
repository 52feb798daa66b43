"""Every policy of an applied stack, read back through the APIs of AWS."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote

from botocore.exceptions import ClientError

Kind = Literal["identity", "managed", "trust", "queue", "bucket", "key", "topic", "function"]
ClientOf = Callable[[str], Any]

DEFAULT = "__default_policy_ID"  # of the policy that a topic has until somebody writes another


@dataclass(frozen=True, slots=True)
class Collected:
    """A policy as it stands in the account; `owner` is the ARN of what it is of, a managed policy's its own."""

    name: str  # like "role belo-score-us-east-1: least-privilege"
    kind: Kind
    owner: str
    document: dict[str, Any]

    @property
    def statements(self) -> list[dict[str, Any]]:
        """The policy's statements."""
        found = self.document["Statement"]
        return [found] if isinstance(found, dict) else found


def listed(value: Any) -> list[Any]:
    """Return an element of a policy as a list: one value may stand alone."""
    return value if isinstance(value, list) else [value]


def collected(client_of: ClientOf) -> list[Collected]:
    """Return the policies of roles, queues, buckets, keys, topics and functions, and those to be attached to people.

    `client_of` makes the client of a service. What AWS itself wrote is left out: its managed policies, its keys, the
    policy that a topic begins with.
    """
    return [
        *_of_roles(client_of("iam")),
        *_to_be_attached(client_of("iam")),
        *_of_queues(client_of("sqs")),
        *_of_buckets(client_of("s3")),
        *_of_keys(client_of("kms")),
        *_of_topics(client_of("sns")),
        *_of_functions(client_of("lambda")),
    ]


def _of_roles(iam: Any) -> Iterator[Collected]:
    for role in _pages(iam, "list_roles", "Roles"):
        name, arn = role["RoleName"], role["Arn"]
        if "/aws-service-role/" in arn:
            continue
        yield Collected(f"role {name}: trust", "trust", arn, _document(role["AssumeRolePolicyDocument"]))
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            found = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            yield Collected(f"role {name}: {policy}", "identity", arn, _document(found))


def _to_be_attached(iam: Any) -> Iterator[Collected]:
    for policy in _pages(iam, "list_policies", "Policies", Scope="Local"):
        arn = policy["Arn"]
        version = iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
        yield Collected(f"policy {policy['PolicyName']}", "managed", arn, _document(version["Document"]))


def _of_queues(sqs: Any) -> Iterator[Collected]:
    for url in _pages(sqs, "list_queues", "QueueUrls"):
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn", "Policy"])["Attributes"]
        if found.get("Policy"):
            yield Collected(f"queue {_last(found['QueueArn'])}", "queue", found["QueueArn"], _document(found["Policy"]))


def _of_buckets(s3: Any) -> Iterator[Collected]:
    for bucket in s3.list_buckets()["Buckets"]:
        name = bucket["Name"]
        if text := _unless("NoSuchBucketPolicy", lambda name=name: s3.get_bucket_policy(Bucket=name)["Policy"]):
            yield Collected(f"bucket {name}", "bucket", f"arn:aws:s3:::{name}", _document(text))


def _of_keys(kms: Any) -> Iterator[Collected]:
    for key in _pages(kms, "list_keys", "Keys"):
        if kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyManager"] == "CUSTOMER":
            found = kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"]
            yield Collected(f"key {key['KeyId']}", "key", key["KeyArn"], _document(found))


def _of_topics(sns: Any) -> Iterator[Collected]:
    for topic in _pages(sns, "list_topics", "Topics"):
        arn = topic["TopicArn"]
        document = _document(sns.get_topic_attributes(TopicArn=arn)["Attributes"].get("Policy") or "{}")
        if document and document.get("Id") != DEFAULT:
            yield Collected(f"topic {_last(arn)}", "topic", arn, document)


def _of_functions(functions: Any) -> Iterator[Collected]:
    for function in _pages(functions, "list_functions", "Functions"):
        name, arn = function["FunctionName"], function["FunctionArn"]
        aliases = functions.list_aliases(FunctionName=name)["Aliases"]
        for called, owner, which in [
            (name, arn, {}),
            *((f"{name}:{alias['Name']}", alias["AliasArn"], {"Qualifier": alias["Name"]}) for alias in aliases),
        ]:
            text = _unless(
                "ResourceNotFoundException",
                lambda name=name, which=which: functions.get_policy(FunctionName=name, **which)["Policy"],
            )
            if text and _document(text)["Statement"]:
                yield Collected(f"function {called}", "function", owner, _document(text))


def _pages(client: Any, operation: str, field: str, **arguments: str) -> Iterator[Any]:
    for page in client.get_paginator(operation).paginate(**arguments):
        yield from page.get(field, [])


def _unless(code: str, read: Callable[[], str]) -> str | None:
    try:
        return read()
    except ClientError as error:
        if error.response["Error"]["Code"] != code:
            raise
        return None


def _document(found: str | dict[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = found if isinstance(found, dict) else json.loads(_plain(found))
    return document


def _plain(text: str) -> str:
    return text if text.lstrip().startswith("{") else unquote(text)  # IAM's own answers are URL-encoded


def _last(arn: str) -> str:
    return arn.rpartition(":")[2]
