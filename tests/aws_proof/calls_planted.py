"""Faults planted in recorded calls, each of which the models must refuse."""

import copy
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tests.aws_proof.valid import complaints
from tests.aws_proof.wire import Call

Change = Callable[[dict[str, Any]], object]

FAULTS: dict[str, tuple[str, Change]] = {
    "a role without a policy of trust": ("iam.CreateRole", lambda call: call.pop("AssumeRolePolicyDocument")),
    "a role whose name is too long": ("iam.CreateRole", lambda call: call.update(RoleName="r" * 65)),
    "a role whose name has a blank": ("iam.CreateRole", lambda call: call.update(RoleName="a role")),
    "a runtime that Lambda does not know": ("lambda.CreateFunction", lambda call: call.update(Runtime="python2")),
    "a function with too much memory": ("lambda.CreateFunction", lambda call: call.update(MemorySize=65_537)),
    "a mapping that starts nowhere": (
        "lambda.CreateEventSourceMapping",
        lambda call: call.update(StartingPosition="Z"),
    ),
    "an attribute of another year": ("lambda.CreateEventSourceMapping", lambda call: call.update(Colour="red")),
    "an alarm that compares by ear": (
        "cloudwatch.PutMetricAlarm",
        lambda call: call.update(ComparisonOperator="~"),
    ),
    "an alarm without a name": ("cloudwatch.PutMetricAlarm", lambda call: call.pop("AlarmName")),
    "a stream whose name has a slash": ("kinesis.CreateStream", lambda call: call.update(StreamName="a/b")),
    "a task in a network of its own kind": ("ecs.RegisterTaskDefinition", lambda call: call.update(networkMode="wifi")),
    "a rule of lifecycle without a status": (
        "s3.PutBucketLifecycleConfiguration",
        lambda call: call["LifecycleConfiguration"]["Rules"][0].pop("Status"),
    ),
}


def unnoticed(calls: Iterable[Call]) -> Iterator[str]:
    """Yield the faults that the models did not refuse, or that there was no call for."""
    first = {f"{call.service}.{call.operation}": call for call in calls}
    for name, (operation, change) in FAULTS.items():
        if operation not in first:
            yield f"planted fault {name}: nobody calls {operation}"
            continue
        call = first[operation]
        parameters = copy.deepcopy(call.parameters)
        change(parameters)
        if not complaints(Call(call.service, call.operation, parameters)):
            yield f"planted fault {name}: not noticed"
