"""May this principal do this? Answered from collected policies, by AWS's evaluation logic within one account.

An explicit Deny wins. Else an Allow of the principal's own policies or of the resource's suffices; but into a role only
its trust policy lets somebody, and to a key only its key policy, which may leave it to the account's own policies. Not
simulated: service control policies, permission boundaries, session policies, policy variables.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tests.aws_proof.iam.collected import Collected, listed
from tests.aws_proof.iam.globs import arn_matches, matches

Value = str | bool | Sequence[str]
Context = Mapping[str, Value]
Statement = dict[str, Any]

_GATES = {"trust", "key"}  # kinds of resource policies without whose word nobody comes in


class Unknown(Exception):
    """An element of a policy that is not simulated here."""


class Call(NamedTuple):
    """What somebody wants to do: an action on a resource, and what AWS would know of the request."""

    who: str
    action: str
    resource: str
    context: Context


@dataclass(frozen=True, slots=True)
class Simulator:
    """The policies of an account.

    A principal is a role's ARN, the ARN of a managed policy, which stands for somebody who has that one and no other, a
    service such as "events.amazonaws.com", or anybody else's ARN, who has no policy here.
    """

    policies: Sequence[Collected]

    def may(self, who: str, action: str, resource: str, context: Context | None = None) -> bool:
        """Whether the call is allowed. Raises Unknown where a policy says something that is not simulated."""
        call = Call(who, action, resource, context or {})
        own = [each for policy in self._own(who) for each in policy.statements]
        by_resource = [policy for policy in self.policies if _is_of(policy, call)]
        theirs = [
            each
            for policy in by_resource
            for each in policy.statements
            if speaks_to(each, who) or _delegates(each, who)
        ]
        if any(says("Deny", each, call) for each in [*own, *theirs]):
            return False
        granted = any(says("Allow", each, call) for each in theirs if speaks_to(each, who))
        delegated = any(says("Allow", each, call) for each in theirs if _delegates(each, who))
        gated = any(policy.kind in _GATES for policy in by_resource)
        return granted or ((delegated or not gated) and any(says("Allow", each, call) for each in own))

    def _own(self, who: str) -> Iterator[Collected]:
        return (policy for policy in self.policies if policy.owner == who and policy.kind in {"identity", "managed"})


def speaks_to(statement: Statement, who: str) -> bool:
    """Whether the principal is named by a resource policy's statement, himself or as one of everybody."""
    principal = statement.get("Principal", {})
    if principal == "*":
        return True
    if not who.startswith("arn:"):
        return who in listed(principal.get("Service", []))
    return any(name in {"*", who} for name in listed(principal.get("AWS", [])))


def _delegates(statement: Statement, who: str) -> bool:
    """Whether the statement names the principal's account, and so leaves it to the policies there."""
    if not who.startswith("arn:") or statement.get("Principal") == "*":
        return False
    account = who.split(":")[4]
    names = listed(statement.get("Principal", {}).get("AWS", []))
    return any(name == account or name.endswith(f"::{account}:root") for name in names)


def _is_of(policy: Collected, call: Call) -> bool:
    if policy.kind in {"identity", "managed"}:
        return False
    if policy.kind == "trust" and not call.action.lower().startswith("sts:"):
        return False  # it says who takes the role on, and nothing of who hands it over
    return call.resource == policy.owner or (policy.kind == "bucket" and call.resource.startswith(f"{policy.owner}/"))


def says(effect: str, statement: Statement, call: Call) -> bool:
    """Whether the statement has this effect on the call, whoever it speaks to."""
    return (
        statement["Effect"] == effect
        and _of_action(statement, call.action)
        and _of_resource(statement, call.resource)
        and all(
            condition(operator, key, listed(wanted), call.context)
            for operator, block in statement.get("Condition", {}).items()
            for key, wanted in block.items()
        )
    )


def _of_action(statement: Statement, action: str) -> bool:
    if "NotAction" in statement:
        return not any(matches(pattern, action, case=False) for pattern in listed(statement["NotAction"]))
    return any(matches(pattern, action, case=False) for pattern in listed(statement["Action"]))


def _of_resource(statement: Statement, resource: str) -> bool:
    if "NotResource" in statement:
        return not any(arn_matches(pattern, resource) for pattern in listed(statement["NotResource"]))
    return any(arn_matches(pattern, resource) for pattern in listed(statement.get("Resource", "*")))  # a trust has none


# --- conditions -------------------------------------------------------------------------------------------------------

_COMPARE: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, found: wanted == found,
    "StringLike": matches,
    "ArnEquals": arn_matches,  # AWS treats both alike
    "ArnLike": arn_matches,
    "Bool": lambda wanted, found: wanted.lower() == found.lower(),
}


def condition(operator: str, key: str, wanted: Sequence[Any], context: Context) -> bool:
    """Whether a condition holds. Several wanted values are alternatives; keys are found whatever their case.

    Without a set operator a key with several values is like none of the wanted ones.
    """
    values = _values(key, context)
    texts = [_text(each) for each in wanted]
    if operator == "Null":
        return texts == ["true" if values is None else "false"]
    quantifier, _, plain = operator.rpartition(":")
    compare = _COMPARE.get(plain.removesuffix("IfExists"))
    if compare is None or quantifier not in {"", "ForAllValues", "ForAnyValue"}:
        raise Unknown(f"condition operator {operator}")
    if values is None:
        return plain.endswith("IfExists") or quantifier == "ForAllValues"
    holds = [any(compare(each, value) for each in texts) for value in values]
    if quantifier == "ForAllValues":
        return all(holds)
    return any(holds) if quantifier == "ForAnyValue" else holds == [True]


def _values(key: str, context: Context) -> list[str] | None:
    found = next((value for name, value in context.items() if name.lower() == key.lower()), None)
    if found is None or found == []:
        return None  # a key without a value is missing, too
    return [_text(each) for each in ([found] if isinstance(found, str | bool) else found)]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
