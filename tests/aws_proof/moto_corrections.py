"""What moto gets wrong of what the stack asks of AWS, in one place, each with the reason; `correct` mends it."""

import json
from typing import Any

from moto.awslambda.models import LambdaBackend
from moto.iam.access_control import PermissionResult
from moto.kinesis.models import Consumer
from moto.kinesis.responses import KinesisResponse
from moto.s3 import models as s3
from moto.sqs.models import Queue


def correct() -> None:
    """Mend moto in this process; safe to repeat."""
    # It weighs bucket policies without their conditions: the refusal of plain HTTP would shut everybody out.
    s3.FakeBucket.get_permission = lambda *_: PermissionResult.NEUTRAL

    # It keeps this attribute and never tells it: Terraform would wait three minutes for it.
    if "RedriveAllowPolicy" not in Queue.BASE_ATTRIBUTES:
        Queue.BASE_ATTRIBUTES.append("RedriveAllowPolicy")
    Queue.redrive_allow_policy = None
    Queue._set_attributes = _set_attributes(Queue._set_attributes)

    # It tells a redrive policy with blanks between its parts, where SQS tells it as it was sent.
    Queue.attributes = property(_compact(Queue.attributes.fget))

    # It drops the tags that a stream is made with.
    KinesisResponse.create_stream = _with_tags(KinesisResponse.create_stream)

    # It leaves out when a consumer was made, which is the end of its ARN.
    Consumer.__init__ = _made_at(Consumer.__init__)

    # It looks a mapping's source up among the streams alone, and does not find a consumer with enhanced fan-out; and it
    # takes the alias that a mapping calls for the version that the alias names.
    LambdaBackend.create_event_source_mapping = _of_a_consumer(LambdaBackend.create_event_source_mapping)


def _set_attributes(theirs: Any) -> Any:
    # It says that SQS's own key is used although a key of the account is named: on AWS the one excludes the other.
    def ours(self: Queue, attributes: dict[str, Any], now: float | None = None) -> None:
        if attributes.get("KmsMasterKeyId"):
            attributes = attributes | {"SqsManagedSseEnabled": "false"}
        theirs(self, attributes, now)

    return ours


def _compact(theirs: Any) -> Any:
    def ours(self: Queue) -> dict[str, Any]:
        found: dict[str, Any] = theirs(self)
        if found.get("RedrivePolicy"):
            found["RedrivePolicy"] = json.dumps(self.redrive_policy, separators=(",", ":"))
        return found

    return ours


def _with_tags(theirs: Any) -> Any:
    def ours(self: KinesisResponse) -> Any:
        made = theirs(self)
        self.kinesis_backend.add_tags_to_stream(None, self._get_param("StreamName"), self._get_param("Tags", {}))
        return made

    return ours


def _made_at(theirs: Any) -> Any:
    def ours(self: Consumer, *arguments: Any, **named: Any) -> None:
        theirs(self, *arguments, **named)
        self.consumer_arn += ":1790000000"

    return ours


def _of_a_consumer(theirs: Any) -> Any:
    def ours(self: LambdaBackend, spec: dict[str, Any]) -> Any:
        source = spec["EventSourceArn"]
        mapping = theirs(self, spec | {"EventSourceArn": source.partition("/consumer/")[0]})
        mapping.event_source_arn = source
        mapping.function_arn = spec["FunctionName"]
        return mapping

    return ours


# What a second plan would mend, by address, and why that is moto's mistake.
MISTAKEN = {
    "module.stack.aws_vpc_security_group_ingress_rule.endpoints[0]": "it drops its description",
}
