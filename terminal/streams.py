"""What tells one stream from every other."""

from datetime import UTC
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient


def stream_identity(kinesis: "KinesisClient", stream: str) -> str:
    """Return what tells a stream from every other, one of its name that was deleted before it included.

    The same on every machine, whatever its time zone.
    """
    summary = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    return f"{summary['StreamARN']} of {summary['StreamCreationTimestamp'].astimezone(UTC):%Y-%m-%dT%H:%M:%S%z}"
