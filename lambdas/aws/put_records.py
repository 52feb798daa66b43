"""One PutRecords request, and what the stream refuses of it; publishers of all kinds retry no more than that.

Limits and partial failures as the Kinesis API reference has them under PutRecords.
"""

from typing import TYPE_CHECKING, Protocol, TypeVar

from lambdas.aws.errors import AWS_ERRORS, code, complete, may_pass

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

MAX_RECORDS = 500  # a request
MAX_BYTES = 5 * 1024 * 1024  # a request, data and partition keys
FIRST_WAIT = 0.05  # seconds


class Entry(Protocol):
    """What goes onto a stream."""

    @property
    def partition_key(self) -> str:
        """What decides on the shard."""
        ...

    @property
    def data(self) -> bytes:
        """The record."""
        ...


E = TypeVar("E", bound=Entry)


def put_records(kinesis: "KinesisClient", stream: str, request: list[E]) -> tuple[list[E], str]:
    """Send at most 500 records and 5 MiB; return what the stream has not taken, in order, and why.

    Throttling, faults of the service and broken connections (after which the records may have been taken:
    consumers drop repeats) are such reasons. Raises what waiting cannot mend: no such stream, no permission.
    """
    try:
        answer = kinesis.put_records(
            StreamName=stream,
            Records=[{"Data": each.data, "PartitionKey": each.partition_key} for each in request],
        )
        reply = complete("PutRecords", answer, "Records")
    except AWS_ERRORS as error:
        if not may_pass(error):
            raise
        return request, code(error) or type(error).__name__
    if not reply.get("FailedRecordCount"):
        return [], ""
    answers = list(zip(request, reply["Records"], strict=True))
    refused = [each for each, answer in answers if answer.get("ErrorCode")]
    return refused, next((answer["ErrorCode"] for _, answer in answers if answer.get("ErrorCode")), "")
