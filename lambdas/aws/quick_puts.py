"""PutRecords of a boto3 client, the request written and the answer read by msgspec.

botocore walks through each of 500 entries in Python, on the way out and on the way back, and that is most of what the
call costs. Here a request is one encoding, and an answer in which nothing failed is looked at once. Credentials,
endpoints, signatures, retries and errors stay botocore's, and so does whatever is not as expected here.
"""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import botocore
import msgspec
from botocore.config import Config
from msgspec import Struct, field

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

# What a client needs for it: botocore would look for the entries that are written here, and would put together the name
# of the client twice a request.
QUICK = Config(parameter_validation=False, user_agent=f"belo-horizonte-pricing botocore/{botocore.__version__}")

_NOTHING_FAILED = b'{"FailedRecordCount":0,"Records":[]}'
_ASIDE = "lambdas.aws.quick_puts"  # in the context of a call: its arguments


class _Answer(Struct, gc=False):
    """To one entry; what stands in it botocore reads, where it matters."""


class _Reply(Struct):
    """A whole answer: one that was cut short is none."""

    failed: int = field(name="FailedRecordCount")
    answers: list[_Answer] = field(name="Records")


_encode = msgspec.json.Encoder().encode  # bytes become base64
_decode = msgspec.json.Decoder(_Reply).decode


def quicken(kinesis: "KinesisClient") -> "KinesisClient":
    """Return a client that was made with `QUICK`, its PutRecords now as above; one that speaks no JSON stays as it is.

    Its answers are boto3's, except that `Records` is empty where every entry was taken, which whoever publishes does
    not look at.
    """
    meta: Any = kinesis.meta
    if meta.service_model.resolved_protocol == "json":
        for event, hook in (("before-parameter-build", _set_aside), ("before-call", _write), ("before-parse", _read)):
            meta.events.register(f"{event}.kinesis.PutRecords", hook)
    return kinesis


def _set_aside(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    if {type(each.get("Data")) for each in params["Records"]} == {bytes}:  # text, say, botocore encodes first
        context[_ASIDE] = params.copy()
        del params["Records"]


def _write(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    if _ASIDE in context:
        params["body"] = _encode(context.pop(_ASIDE))


def _read(response_dict: dict[str, Any], **_: object) -> None:
    with suppress(ValueError):  # a fault of the service has neither member
        if _decode(response_dict["body"]).failed == 0:
            response_dict["body"] = _NOTHING_FAILED
