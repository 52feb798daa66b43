"""Listing events, and the batches that the event source mapping makes of them."""

import base64
import json
from typing import Any

SHARD = "shardId-000000000000"
ARRIVED = 1_795_478_400.0  # 2026-11-24T00:00:00Z


def listing(listing_id: str = "L-1", **changes: Any) -> dict[str, Any]:
    """Return the fields of a valid listing; a change to None leaves the field out."""
    fields: dict[str, Any] = {
        "listing_id": listing_id,
        "neighborhood": "Buritis",
        "city": "Belo Horizonte",
        "address": "Rua Senhora das Graças, 12",
        "area_m2": 102.0,
        "rooms": 3,
        "garage_places": 2,
        "adm_fees": 450.0,
        "latitude": -19.97,
        "longitude": -43.96,
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}


def event(listing_id: str = "L-1", *, event_id: str | None = None, **changes: Any) -> dict[str, Any]:
    """Return a listing event as a document; `changes` are the listing's."""
    return {
        "specversion": "1.0",
        "id": event_id or f"event-of-{listing_id}",
        "source": "/marketplace",
        "type": "listing.submitted",
        "time": "2026-11-23T12:00:00Z",
        "data": listing(listing_id, **changes),
    }


def payload(listing_id: str = "L-1", *, event_id: str | None = None, **changes: Any) -> bytes:
    """Return a listing event as it stands on the stream."""
    return json.dumps(event(listing_id, event_id=event_id, **changes), ensure_ascii=False).encode()


def batch(*payloads: bytes, first: int = 100) -> dict[str, Any]:
    """Return the event that Lambda gets for some records; sequence numbers count from `first`."""
    return {"Records": [_record(data, first + position) for position, data in enumerate(payloads)]}


def _record(data: bytes, number: int) -> dict[str, Any]:
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": f"key-{number}",
            "sequenceNumber": str(number),
            "data": base64.b64encode(data).decode(),
            "approximateArrivalTimestamp": ARRIVED + number / 1000,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{SHARD}:{number}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/score",
        "awsRegion": "us-east-1",
        "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/listings",
    }
