"""Faults made in the collected policies, each of which must be found: a check that cannot fail proves nothing."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tests.aws_proof.iam.collected import Collected, listed
from tests.aws_proof.iam.matrix import Account

Statement = dict[str, Any]
Change = Callable[[Statement], None]


@dataclass(frozen=True, slots=True)
class Planted:
    """A fault: in which policy and statement (its Sid, or the only one), what is changed, and what must be said."""

    name: str
    policy: str  # the beginning of its name, less the stack's own, the account and the region
    sid: str | None
    change: Change
    said: str  # part of a sentence of `policies.found`

    def into(self, policies: list[Collected]) -> list[Collected]:
        """Return the policies with the fault. Raises LookupError unless there is exactly one such statement."""
        account = Account.of(policies)
        found = [self._planted(each) if account.short(each.name).startswith(self.policy) else each for each in policies]
        if sum(changed is not each for changed, each in zip(found, policies, strict=True)) != 1:
            raise LookupError(f"{self.name}: no such statement, or several")
        return found

    def _planted(self, policy: Collected) -> Collected:
        document = copy.deepcopy(policy.document)
        statements = [each for each in document["Statement"] if self.sid in {None, each.get("Sid")}]
        if len(statements) != 1:
            return policy
        self.change(statements[0])
        return replace(policy, document=document)


def _with(**elements: Any) -> Change:
    return lambda statement: statement.update(elements)


def _also(action: str) -> Change:
    def change(statement: Statement) -> None:
        statement["Action"] = [*listed(statement["Action"]), action]

    return change


def _on(old: str, new: str) -> Change:
    def change(statement: Statement) -> None:
        resources = listed(statement["Resource"])
        assert any(old in each for each in resources), resources
        statement["Resource"] = [each.replace(old, new) for each in resources]

    return change


def _without(operator: str) -> Change:
    return lambda statement: statement["Condition"].pop(operator)


def _unconditional(statement: Statement) -> None:
    del statement["Condition"]


def _operator(old: str, new: str) -> Change:
    return lambda statement: statement["Condition"].update({new: statement["Condition"].pop(old)})


FAULTS = (
    # What AWS would not understand.
    Planted(
        "a misspelt action",
        "role score: least",
        "PublishPredictions",
        _with(Action="kinesis:PutRecordz"),
        "AWS knows no such action",
    ),
    Planted(
        "a service that is none",
        "role monitor: least",
        "AnnounceDrift",
        _with(Action="eventbridge:PutEvents"),
        "AWS knows no such action",
    ),
    Planted(
        "an action of another service",
        "role score: least",
        "PublishPredictions",
        _also("firehose:PutRecordBatch"),
        "none of the resources is of its type",
    ),
    Planted(
        "StringEquals on a key of several values",
        "role monitor: least",
        "AnnounceDrift",
        _operator("ForAllValues:StringEquals", "StringEquals"),
        "the key has several values",
    ),
    Planted(
        "ForAllValues without a Null condition",
        "role monitor: least",
        "AnnounceDrift",
        _without("Null"),
        "no Null condition asks for it",
    ),
    Planted(
        "a set operator on a key of one value",
        "role train-worker-waker: least",
        "StartWorkers",
        _operator("ArnEquals", "ForAnyValue:ArnEquals"),
        "the key has one value",
    ),
    Planted(
        "an operator of another type",
        "role train-worker-waker: least",
        "StartWorkers",
        _operator("ArnEquals", "NumericEquals"),
        "does not compare a key of type ARN",
    ),
    Planted(
        "a key that the action has not",
        "role train-worker-waker: least",
        "StartWorkers",
        _with(Condition={"ArnEquals": {"ecs:service": "*"}}),
        "the action has no such key",
    ),
    Planted(
        "a bucket where objects are meant",
        "role score: least",
        "LoadModels",
        _on("/house-price/*", ""),
        "is no resource of its actions",
    ),
    Planted(
        "objects where a bucket is meant",
        "role price-api: least",
        "TellMissingFromForbidden",
        _on("arn:aws:s3:::", "arn:aws:s3:::any/"),
        "is no resource of its actions",
    ),
    Planted(
        "a function where a queue is meant",
        "role monitor: least",
        "HandOnWhatFailed",
        _on("arn:aws:sqs", "arn:aws:lambda"),
        "is no resource of its actions",
    ),
    Planted(
        "every resource",
        "role archive: least",
        "WriteArchive",
        _with(Resource="*"),
        "a narrower resource than * is possible",
    ),
    Planted(
        "a stream where * alone is taken",
        "role score: least",
        "FindTheStream",
        _with(Resource="arn:aws:kinesis:us-east-1:123456789012:stream/a"),
        "it takes no resource but *",
    ),
    # What would let somebody do too much.
    Planted(
        "listings as what scoring writes",
        "role score: least",
        "PublishPredictions",
        _on("/predictions", "/listings"),
        "score may not kinesis:PutRecords stream listings",
    ),
    Planted(
        "the archive whole for its writer",
        "role archive: least",
        "WriteArchive",
        _on("predictions/*", "*"),
        "archive may not s3:PutObject archive/sales/dt=2026-01-01/a.ndjson",
    ),
    Planted(
        "a monitor with any voice",
        "role monitor: least",
        "AnnounceDrift",
        _unconditional,
        "monitor may not events:PutEvents bus default events:source=[belo.cli]",
    ),
    Planted(
        "deletions by the worker",
        "role train-worker: least",
        "PromoteModels",
        _also("s3:DeleteObject"),
        "train-worker may not s3:DeleteObject models/house-price/versions/7/model.onnx",
    ),
    Planted(
        "a shadow's end anywhere",
        "role train-worker: least",
        "EndAShadow",
        _on("challenger.json", "*"),
        "train-worker may not s3:DeleteObject models/house-price/champion.json",
    ),
    Planted(
        "any role handed over",
        "role train-worker-waker: least",
        "HandOverRoles",
        _with(Resource="arn:aws:iam::*:role/*"),
        "train-worker-waker may not iam:PassRole role score",
    ),
    Planted(
        "a role handed to any service",
        "role train-worker-waker: least",
        "HandOverRoles",
        _unconditional,
        "train-worker-waker may not iam:PassRole role train-worker",
    ),
    Planted(
        "predictions for publishers",
        "policy publisher",
        "PublishListings",
        _also("kinesis:GetRecords"),
        "publisher may not kinesis:GetRecords stream listings",
    ),
    Planted(
        "learnt homes for auditors",
        "policy auditor",
        "ReadModels",
        _on("manifest.json", "*"),
        "auditor may not s3:GetObject models/house-price/versions/7/homes.npz",
    ),
    # What would let anybody in.
    Planted(
        "a queue for every rule", "queue retraining-requests", "RulesMayAsk", _unconditional, "may come for any account"
    ),
    Planted(
        "a queue for everybody",
        "queue undelivered",
        "RulesMayLeaveEvents",
        _with(Principal="*", Condition={}),
        "it speaks to everybody",
    ),
    Planted(
        "a role for everybody",
        "role score: trust",
        None,
        _with(Principal={"AWS": "*"}),
        "everybody may assume the role",
    ),
    Planted(
        "a role for tasks of other accounts",
        "role train-worker: trust",
        None,
        _unconditional,
        "may come for any account",
    ),
    Planted(
        "a function for every API",
        "function price-api:live",
        None,
        _unconditional,
        "apigateway.amazonaws.com may not lambda:InvokeFunction",
    ),
    Planted(
        "plain HTTP to the archive",
        "bucket archive",
        "TlsOnly",
        _with(Condition={"Bool": {"aws:SecureTransport": "no"}}),
        "monitor may not s3:GetObject archive/sales/dt=2026-01-01/a.ndjson aws:SecureTransport=false",
    ),
    Planted(
        "a key for services of other accounts",
        "key",
        "AwsServicesOfThisAccount",
        _unconditional,
        "may come for any account",
    ),
)
