"""Where batches go that Lambda gives up on: an S3 on-failure destination."""

import json
import random
import uuid
from datetime import UTC, datetime
from typing import Any, Protocol

from tests.simulator.clock import SimulatedClock
from tests.simulator.events import event_of
from tests.simulator.function import Answer
from tests.simulator.lane import Batch
from tests.simulator.stream import Stream

RETRIES_EXHAUSTED = "RetryAttemptsExhausted"
RECORD_AGE_EXCEEDED = "RecordAgeExceeded"


class Store(Protocol):
    """Takes an object without fail, as `FakeS3.store` does."""

    def store(self, bucket: str, key: str, body: bytes) -> object: ...


class OnFailure:
    """Writes one object for each discarded batch, payload included. It never fails: an assumption.

    docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html: the key is
    `aws/lambda/<ESM-UUID>/<shardID>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<Random UUID>`; "the payload field
    contains the original invocation record as an escaped JSON string". The condition RecordAgeExceeded, and
    the responseContext of a batch whose last invocation was no function error, are assumptions. UUIDs come
    from `seed`, so that runs repeat.
    """

    def __init__(self, store: Store, bucket: str, clock: SimulatedClock, *, seed: int = 0) -> None:
        self._store, self._bucket, self._clock = store, bucket, clock
        self._random = random.Random(seed)
        self.mapping_uuid = self._uuid()

    def park(self, batch: Batch, stream: Stream, function_arn: str, condition: str, last: Answer | None) -> str:
        """Store the batch and return the object's key."""
        now = self._clock.now()
        shard_id = batch.records[0].shard_id
        key = f"aws/lambda/{self.mapping_uuid}/{shard_id}/{now:%Y/%m/%d}/{now:%Y-%m-%dT%H.%M.%S}-{self._uuid()}"
        record = self._record(batch, stream, function_arn, condition, last)
        self._store.store(self._bucket, key, json.dumps(record).encode())
        return key

    def _record(
        self, batch: Batch, stream: Stream, function_arn: str, condition: str, last: Answer | None
    ) -> dict[str, Any]:
        first, final = batch.records[0], batch.records[-1]
        return {
            "requestContext": {
                "requestId": last.request_id if last else self._uuid(),
                "functionArn": function_arn,
                "condition": condition,
                "approximateInvokeCount": batch.invocations,
            },
            "responseContext": {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": "Unhandled" if last and last.error else None,
            },
            "version": "1.0",
            "timestamp": _iso(self._clock.time()),
            "KinesisBatchInfo": {
                "shardId": first.shard_id,
                "startSequenceNumber": first.sequence_number,
                "endSequenceNumber": final.sequence_number,
                "approximateArrivalOfFirstRecord": _iso(first.arrived_at),
                "approximateArrivalOfLastRecord": _iso(final.arrived_at),
                "batchSize": len(batch.records),
                "streamArn": stream.arn,
            },
            "payload": json.dumps(event_of(batch.records, stream.arn)),
        }

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
