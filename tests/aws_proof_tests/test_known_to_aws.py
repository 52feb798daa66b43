"""Statements that AWS would not understand are told apart from those that it would."""

import pytest

from tests.aws_proof.iam.collected import Collected
from tests.aws_proof.iam.globs import could_be
from tests.aws_proof.iam.known_to_aws import complaints

STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/listings"
BUS = "arn:aws:events:us-east-1:123456789012:event-bus/default"
NAMED = {"Null": {"events:source": "false"}}


def said(action, resource, kind="identity", **more):
    statement = {"Sid": "Only", "Effect": "Allow", "Action": action, "Resource": resource, **more}
    return complaints([Collected("role clerk: least-privilege", kind, "arn:of:it", {"Statement": statement})])


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("kinesis:PutRecords", STREAM),
        ("s3:GetObject", "arn:aws:s3:::models/house-price/*"),
        ("s3:ListBucket", "arn:aws:s3:::models"),
        (["s3:ListBucket", "s3:GetObject"], ["arn:aws:s3:::models", "arn:aws:s3:::models/*"]),
        ("logs:PutLogEvents", "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/score:*"),
        ("logs:FilterLogEvents", "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/score:*"),
        ("kinesis:ListStreams", "*"),
        ("cloudwatch:GetMetricData", "*"),
        ("kms:GenerateDataKey*", "arn:aws:kms:us-east-1:123456789012:key/1"),
        ("lambda:InvokeFunction", "arn:aws:lambda:us-east-1:123456789012:function:score:live"),
    ],
)
def test_what_aws_knows_is_left_alone(action, resource):
    assert said(action, resource) == []


@pytest.mark.parametrize(
    ("action", "resource", "what"),
    [
        ("kinesis:PutRecordz", STREAM, "AWS knows no such action"),
        ("kinesys:PutRecords", STREAM, "AWS knows no such action"),
        ("kinesis:Putt*", STREAM, "AWS knows no such action"),
        ("kinesis:PutRecords", "*", "a narrower resource than * is possible"),
        ("kinesis:PutRecords", "arn:aws:sqs:us-east-1:123456789012:listings", "is no resource of its actions"),
        ("s3:GetObject", "arn:aws:s3:::models", "none of the resources is of its type"),
        ("s3:ListBucket", "arn:aws:s3:::models/*", "none of the resources is of its type"),
        ("kinesis:ListStreams", STREAM, "it takes no resource but *"),
    ],
)
def test_an_action_or_a_resource_that_is_wrong_is_named(action, resource, what):
    assert any(what in each and "role clerk: least-privilege, Only, " in each for each in said(action, resource))


@pytest.mark.parametrize(
    "condition",
    [
        {"ForAllValues:StringEquals": {"events:source": "ours"}, **NAMED},
        {"ForAnyValue:StringEquals": {"events:source": "ours"}},
        {"Bool": {"aws:SecureTransport": "true"}},
        {"ArnLike": {"aws:SourceArn": BUS}, "StringEquals": {"aws:SourceAccount": "123456789012"}},
        {"StringEquals": {"aws:ResourceTag/project": "belo"}},
    ],
)
def test_a_condition_that_aws_weighs_is_left_alone(condition):
    assert said("events:PutEvents", BUS, Condition=condition) == []


@pytest.mark.parametrize(
    ("condition", "what"),
    [
        ({"StringEquals": {"events:source": "ours"}}, "the key has several values"),
        ({"ForAllValues:StringEquals": {"events:source": "ours"}}, "no Null condition asks for it"),
        ({"ForAnyValue:Bool": {"aws:SecureTransport": "true"}}, "the key has one value"),
        ({"NumericEquals": {"aws:SourceAccount": "123456789012"}}, "does not compare a key of type String"),
        ({"StringEquals": {"events:sources": "ours"}}, "the action has no such key"),
        ({"StringEquals": {"s3:prefix": "ours"}}, "the action has no such key"),
    ],
)
def test_a_condition_that_aws_does_not_weigh_as_meant_is_named(condition, what):
    assert any(
        what in each and "events:PutEvents" in each for each in said("events:PutEvents", BUS, Condition=condition)
    )


def test_nobody_is_let_in_without_a_condition():
    queue = "arn:aws:sqs:us-east-1:123456789012:queue"
    service = {"Service": "events.amazonaws.com"}
    ours = {"ArnEquals": {"aws:SourceArn": "arn:aws:events:us-east-1:123456789012:rule/ours"}}
    assert "may come for any account" in said("sqs:SendMessage", queue, "queue", Principal=service)[0]
    assert said("sqs:SendMessage", queue, "queue", Principal=service, Condition=ours) == []
    assert "it speaks to everybody" in said("sqs:SendMessage", queue, "queue", Principal="*")[0]


@pytest.mark.parametrize(
    ("pattern", "arn_format", "could"),
    [
        ("arn:aws:s3:::b", "arn:${Partition}:s3:::${BucketName}", True),
        ("arn:aws:s3:::b/*", "arn:${Partition}:s3:::${BucketName}", False),
        ("arn:aws:s3:::*", "arn:${Partition}:s3:::${BucketName}/${ObjectName}", True),
        ("arn:aws:s3:::b/a/b/c", "arn:${Partition}:s3:::${BucketName}/${ObjectName}", True),
        ("arn:aws:sqs:*:*:a?", "arn:${Partition}:sqs:${Region}:${Account}:${QueueName}", True),
        ("arn:aws:sqs:*:*:", "arn:${Partition}:sqs:${Region}:${Account}:${QueueName}", False),
        ("*", "arn:${Partition}:sqs:${Region}:${Account}:${QueueName}", True),
        ("arn:aws:sqs", "arn:${Partition}:sqs:${Region}:${Account}:${QueueName}", False),
    ],
)
def test_whether_some_arn_of_a_format_matches_a_pattern(pattern, arn_format, could):
    assert could_be(pattern, arn_format) is could
