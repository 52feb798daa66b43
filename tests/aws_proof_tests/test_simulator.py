"""The simulator against AWS's documentation (IAM User Guide: policy evaluation logic, condition operators)."""

import pytest

from tests.aws_proof.iam.collected import Collected
from tests.aws_proof.iam.simulator import Simulator, Unknown, condition

ROLE = "arn:aws:iam::123456789012:role/clerk"
STRANGER = "arn:aws:iam::999999999999:role/stranger"
BUCKET = "arn:aws:s3:::shelf"
BOOK = f"{BUCKET}/book"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:queue"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1"
ACCOUNT = {"AWS": "arn:aws:iam::123456789012:root"}


def policy(kind, owner, *statements):
    return Collected(f"{kind} of {owner}", kind, owner, {"Statement": list(statements)})


def statement(action, resource, effect="Allow", **more):
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def own(*statements):
    return policy("identity", ROLE, *statements)


def test_what_nobody_allows_is_denied():
    assert not Simulator([]).may(ROLE, "s3:GetObject", BOOK)


def test_the_principals_own_policy_suffices():
    assert Simulator([own(statement("s3:GetObject", f"{BUCKET}/*"))]).may(ROLE, "s3:GetObject", BOOK)


def test_the_resources_policy_suffices_in_the_same_account():
    shelf = policy("bucket", BUCKET, statement("s3:GetObject", f"{BUCKET}/*", Principal={"AWS": ROLE}))
    assert Simulator([shelf]).may(ROLE, "s3:GetObject", BOOK)
    assert not Simulator([shelf]).may(STRANGER, "s3:GetObject", BOOK)


@pytest.mark.parametrize("where", ["own", "bucket"])
def test_an_explicit_deny_wins_over_every_allow(where):
    allow = own(statement("s3:*", "*"))
    deny = statement("s3:GetObject", f"{BUCKET}/*", "Deny", Principal="*")
    denying = own(deny) if where == "own" else policy("bucket", BUCKET, deny)
    assert not Simulator([allow, denying]).may(ROLE, "s3:GetObject", BOOK)
    assert Simulator([allow, denying]).may(ROLE, "s3:PutObject", BOOK)


def test_a_deny_whose_condition_does_not_hold_denies_nothing():
    tls = {"Bool": {"aws:SecureTransport": "false"}}
    shelf = policy("bucket", BUCKET, statement("s3:*", [BUCKET, f"{BUCKET}/*"], "Deny", Principal="*", Condition=tls))
    simulator = Simulator([own(statement("s3:GetObject", BOOK)), shelf])
    assert simulator.may(ROLE, "s3:GetObject", BOOK, {"aws:SecureTransport": True})
    assert not simulator.may(ROLE, "s3:GetObject", BOOK, {"aws:SecureTransport": False})


def test_naming_the_account_leaves_it_to_the_principals_own_policies():
    key = policy("key", KEY, statement("kms:*", "*", Principal=ACCOUNT))
    assert not Simulator([key]).may(ROLE, "kms:Decrypt", KEY)
    assert Simulator([key, own(statement("kms:Decrypt", KEY))]).may(ROLE, "kms:Decrypt", KEY)


def test_without_the_key_policys_word_an_own_policy_opens_no_key():
    key = policy("key", KEY, statement("kms:*", "*", Principal={"AWS": STRANGER}))
    assert not Simulator([key, own(statement("kms:Decrypt", KEY))]).may(ROLE, "kms:Decrypt", KEY)


def test_a_service_comes_in_by_the_resources_policy_alone():
    source = {"ArnEquals": {"aws:SourceArn": "arn:aws:events:us-east-1:123456789012:rule/ours"}}
    principal = {"Service": "events.amazonaws.com"}
    simulator = Simulator(
        [policy("queue", QUEUE, statement("sqs:SendMessage", QUEUE, Principal=principal, Condition=source))]
    )

    def may(service, rule):
        context = {"aws:SourceArn": f"arn:aws:events:us-east-1:123456789012:rule/{rule}"}
        return simulator.may(service, "sqs:SendMessage", QUEUE, context)

    assert may("events.amazonaws.com", "ours")
    assert not may("events.amazonaws.com", "theirs")
    assert not may("sns.amazonaws.com", "ours")


def test_a_role_is_taken_on_by_its_trust_policy_and_handed_over_by_ones_own():
    other = "arn:aws:iam::123456789012:role/other"
    tasks = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}
    simulator = Simulator([policy("trust", other, tasks), own(statement(["iam:PassRole", "sts:AssumeRole"], other))])
    assert simulator.may("ecs-tasks.amazonaws.com", "sts:AssumeRole", other)
    assert not simulator.may(ROLE, "sts:AssumeRole", other)
    assert simulator.may(ROLE, "iam:PassRole", other)


def test_a_managed_policy_stands_for_somebody_who_has_it():
    reader = "arn:aws:iam::123456789012:policy/reader"
    simulator = Simulator([policy("managed", reader, statement("s3:Get*", f"{BUCKET}/*"))])
    assert simulator.may(reader, "s3:GetObject", BOOK)
    assert not simulator.may(ROLE, "s3:GetObject", BOOK)


@pytest.mark.parametrize(
    ("pattern", "action", "meant"),
    [
        ("s3:GetObject", "s3:GetObject", True),
        ("S3:getobject", "s3:GetObject", True),
        ("s3:Get*", "s3:GetObjectVersion", True),
        ("s3:GetObjec?", "s3:GetObject", True),
        ("s3:GetObject", "s3:GetObjectVersion", False),
        ("*", "sqs:SendMessage", True),
    ],
)
def test_actions_have_wildcards_and_no_case(pattern, action, meant):
    assert Simulator([own(statement(pattern, "*"))]).may(ROLE, action, BOOK) is meant


def test_not_action_is_everything_else():
    simulator = Simulator([own({"Effect": "Allow", "NotAction": "s3:Delete*", "Resource": "*"})])
    assert simulator.may(ROLE, "s3:GetObject", BOOK)
    assert not simulator.may(ROLE, "s3:DeleteObject", BOOK)


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        (BOOK, True),
        (f"{BUCKET}/*", True),
        ("*", True),
        ("arn:aws:s3:::*/book", True),
        ("arn:aws:s3:::shelf/BOOK", False),
        (BUCKET, False),
        ("arn:aws:sqs:*:*:*", False),
    ],
)
def test_resources_have_wildcards_and_case(pattern, meant):
    assert Simulator([own(statement("s3:GetObject", pattern))]).may(ROLE, "s3:GetObject", BOOK) is meant


@pytest.mark.parametrize(
    ("operator", "wanted", "found", "holds"),
    [
        ("StringEquals", ["a", "b"], "b", True),
        ("StringEquals", ["a"], "A", False),
        ("StringEquals", ["a*"], "ab", False),
        ("StringLike", ["a*"], "ab", True),
        ("ArnLike", ["arn:aws:sns:*:123456789012:t*"], "arn:aws:sns:us-east-1:123456789012:topic", True),
        ("ArnEquals", ["arn:aws:sns:*:123456789012:t*"], "arn:aws:sns:us-east-1:123456789012:topic", True),
        ("ArnLike", ["arn:aws:sns:*:topic"], "arn:aws:sns:us-east-1:123456789012:topic", False),
        ("Bool", ["true"], True, True),
        ("Bool", ["true"], False, False),
        ("Null", ["true"], "here", False),
        ("Null", ["false"], "here", True),
        ("ForAllValues:StringEquals", ["a", "b"], ["a", "b", "a"], True),
        ("ForAllValues:StringEquals", ["a", "b"], ["a", "c"], False),
        ("ForAnyValue:StringEquals", ["a"], ["c", "a"], True),
        ("ForAnyValue:StringEquals", ["a"], ["c"], False),
        ("StringEqualsIfExists", ["a"], "a", True),
        ("StringEqualsIfExists", ["a"], "b", False),
        ("StringEquals", ["a"], ["a", "b"], False),
    ],
)
def test_a_condition_on_a_key_that_is_there(operator, wanted, found, holds):
    assert condition(operator, "of:Key", wanted, {"OF:key": found}) is holds


@pytest.mark.parametrize(
    ("operator", "holds"),
    [
        ("StringEquals", False),
        ("Bool", False),
        ("ArnLike", False),
        ("StringEqualsIfExists", True),
        ("BoolIfExists", True),
        ("ForAllValues:StringEquals", True),
        ("ForAnyValue:StringEquals", False),
        ("ForAnyValue:StringEqualsIfExists", True),
        ("Null", True),
    ],
)
@pytest.mark.parametrize("context", [{}, {"of:Key": []}])
def test_a_condition_on_a_key_that_is_missing(operator, holds, context):
    assert condition(operator, "of:Key", ["true"], context) is holds


def test_for_all_values_with_a_null_condition_needs_the_key():
    guarded = {"ForAllValues:StringEquals": {"events:source": "mine"}, "Null": {"events:source": "false"}}
    bare = {"ForAllValues:StringEquals": {"events:source": "mine"}}
    bus = "arn:aws:events:us-east-1:123456789012:event-bus/default"

    def may(condition, context):
        return Simulator([own(statement("events:PutEvents", bus, Condition=condition))]).may(
            ROLE, "events:PutEvents", bus, context
        )

    assert may(bare, {})
    assert not may(guarded, {})
    assert may(guarded, {"events:source": ["mine", "mine"]})
    assert not may(guarded, {"events:source": ["mine", "theirs"]})


def test_all_keys_and_operators_of_a_condition_must_hold():
    both = {"StringEquals": {"a:one": "1", "a:two": "2"}, "Bool": {"a:three": "true"}}
    simulator = Simulator([own(statement("s3:GetObject", "*", Condition=both))])
    full = {"a:one": "1", "a:two": "2", "a:three": True}
    assert simulator.may(ROLE, "s3:GetObject", BOOK, full)
    for key in full:
        assert not simulator.may(ROLE, "s3:GetObject", BOOK, {name: full[name] for name in full if name != key})


def test_an_operator_that_is_not_simulated_is_refused():
    with pytest.raises(Unknown, match="DateLessThan"):
        condition("DateLessThan", "aws:CurrentTime", ["2026-01-01"], {"aws:CurrentTime": "2025-01-01"})
