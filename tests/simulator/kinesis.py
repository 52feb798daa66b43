"""The Kinesis client of a simulated account: PutRecords with its real limits and its faults."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tests.simulator.client import Answer, FakeClient
from tests.simulator.clock import SimulatedClock
from tests.simulator.faults import Fault, Faults, RefuseEntries, RefuseShards, no_faults, service_error
from tests.simulator.stream import Shard, Stream

MAX_ENTRIES = 500
MAX_CALL_BYTES = 5 * 1_048_576
MAX_RECORD_BYTES = 1_048_576
OPERATION = "PutRecords"
THROTTLED = "ProvisionedThroughputExceededException"

Entries = Sequence[Mapping[str, Any]]


class FakeKinesis(FakeClient):
    """Speaks `put_records` as boto3's client does: same arguments, same answer, same exceptions.

    Limits, from docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html: 500 entries a call;
    per shard 1,000 records and 1 MiB a second, beyond which single entries come back with
    ProvisionedThroughputExceededException. 5 MiB a call and 1 MiB an entry, keys included, are the limits
    before records of 10 MiB, and still a stream's default. That too many or too large entries refuse the
    whole call with these codes is an assumption.
    """

    service = "kinesis"

    def __init__(
        self,
        clock: SimulatedClock,
        streams: Sequence[Stream],
        *,
        faults: Faults = no_faults,
        latency: float = 0.012,
        read_timeout: float = math.inf,
    ) -> None:
        super().__init__(clock, faults=faults, latency=latency, read_timeout=read_timeout)
        self._streams = {stream.name: stream for stream in streams}
        self.throttled = 0

    def put_records(self, *, Records: Entries, StreamName: str) -> Answer:  # noqa: N803
        """Store the entries; the answer's `Records` match them by index, failed ones with an ErrorCode."""

        def put(fault: Fault | None) -> Answer:
            stream = self._existing(StreamName)
            _within_limits(Records)
            answers = [self._entry(stream, index, entry, fault) for index, entry in enumerate(Records)]
            return {"FailedRecordCount": sum("ErrorCode" in answer for answer in answers), "Records": answers}

        return self._call(OPERATION, StreamName, put)

    def _existing(self, name: str) -> Stream:
        if name not in self._streams:
            raise service_error(OPERATION, "ResourceNotFoundException", 400, f"Stream {name} not found")
        return self._streams[name]

    def _entry(self, stream: Stream, index: int, entry: Mapping[str, Any], fault: Fault | None) -> Answer:
        shard = stream.shard_of(entry["PartitionKey"])
        match fault:
            case RefuseEntries(every, first, code) if index % every == first % every:
                return {"ErrorCode": code, "ErrorMessage": "injected"}
            case RefuseShards(every, first) if shard.index % every == first % every:
                return _rate_exceeded(shard, stream)
        record = stream.accept(entry["Data"], entry["PartitionKey"], self._clock.time())
        if record is None:
            self.throttled += 1
            return _rate_exceeded(shard, stream)
        return {"SequenceNumber": record.sequence_number, "ShardId": record.shard_id}


def _rate_exceeded(shard: Shard, stream: Stream) -> Answer:
    text = f"Rate exceeded for shard {shard.shard_id} in stream {stream.name} under account 123456789012."
    return {"ErrorCode": THROTTLED, "ErrorMessage": text}


def _within_limits(entries: Entries) -> None:
    sizes = [len(entry["Data"]) + len(entry["PartitionKey"].encode()) for entry in entries]
    if not 1 <= len(sizes) <= MAX_ENTRIES:
        raise service_error(OPERATION, "ValidationException", 400, f"1 to {MAX_ENTRIES} records, got {len(sizes)}")
    if not all(1 <= len(entry["PartitionKey"]) <= 256 for entry in entries):
        raise service_error(OPERATION, "ValidationException", 400, "partition keys have 1 to 256 characters")
    if max(sizes) > MAX_RECORD_BYTES:
        raise service_error(OPERATION, "InvalidArgumentException", 400, f"a record of {max(sizes)} bytes")
    if sum(sizes) > MAX_CALL_BYTES:
        raise service_error(OPERATION, "InvalidArgumentException", 400, f"a call of {sum(sizes)} bytes")
