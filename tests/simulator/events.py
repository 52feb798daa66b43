"""The event that Lambda hands to a function, field by field."""

import base64
import json
from collections.abc import Sequence
from typing import Any

from tests.simulator.stream import Record

MAX_EVENT_BYTES = 6_000_000
ROLE = "arn:aws:iam::123456789012:role/lambda-role"


def event_of(records: Sequence[Record], stream_arn: str) -> dict[str, Any]:
    """The event of a batch, as in the example of docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html.

    `data` is base64 text, `approximateArrivalTimestamp` seconds since the epoch with milliseconds,
    `eventID` the shard's id, a colon and the sequence number.
    """
    return {"Records": [_entry(record, stream_arn) for record in records]}


def _entry(record: Record, stream_arn: str) -> dict[str, Any]:
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record.partition_key,
            "sequenceNumber": record.sequence_number,
            "data": base64.b64encode(record.data).decode(),
            "approximateArrivalTimestamp": round(record.arrived_at, 3),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{record.shard_id}:{record.sequence_number}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": ROLE,
        "awsRegion": "us-east-1",
        "eventSourceARN": stream_arn,
    }


def bytes_in_event(record: Record, stream_arn: str) -> int:
    """How much of the 6 MB the record takes: its entry as compact JSON, and a comma.

    The limit is that of synchronous invocation (API_CreateEventSourceMapping, BatchSize: "up to the payload
    limit for synchronous invocation (6 MB)"); that it is counted on compact JSON, and that 6 MB are
    6,000,000 bytes, is an assumption.
    """
    data = 4 * ((len(record.data) + 2) // 3)
    return _FIXED + data + len(record.partition_key.encode()) + 2 * len(record.sequence_number) + len(stream_arn)


# The names, quotes and constants of an entry and the comma after it; a timestamp has 14 digits, or fewer.
_EMPTY = Record("shardId-000000000000", 0, "", "", b"", 1_764_000_000.123)
_FIXED = len(json.dumps(_entry(_EMPTY, ""), separators=(",", ":"))) + 1
