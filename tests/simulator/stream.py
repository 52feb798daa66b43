"""A Kinesis data stream in memory: shards, partition keys, sequence numbers, retention, write limits."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field

MAX_RECORDS_PER_SECOND = 1_000
MAX_BYTES_PER_SECOND = 1_048_576
HASH_SPACE = 2**128


@dataclass(frozen=True, slots=True)
class Record:
    """One data record. `position` counts from 0 in its shard; `arrived_at` is seconds since the epoch."""

    shard_id: str
    position: int
    sequence_number: str
    partition_key: str
    data: bytes
    arrived_at: float


def hash_key(partition_key: str) -> int:
    """The 128-bit MD5 that maps a partition key to a shard (API_PutRecords)."""
    return int.from_bytes(hashlib.md5(partition_key.encode(), usedforsecurity=False).digest(), "big")


@dataclass(slots=True)
class Shard:
    """Records in the order in which they were accepted, and how much was written in each second."""

    shard_id: str
    index: int
    records: list[Record] = field(default_factory=list)
    written: Counter[tuple[int, str]] = field(default_factory=Counter)

    def room_for(self, size: int, second: int) -> bool:
        """Whether the shard still takes `size` bytes in this second: 1,000 records and 1 MiB a second.

        API_PutRecords. That a "second" is a calendar second, not a sliding one, is an assumption.
        """
        records, volume = self.written[second, "records"], self.written[second, "bytes"]
        return records < MAX_RECORDS_PER_SECOND and volume + size <= MAX_BYTES_PER_SECOND

    def next_sequence_number(self) -> str:
        """A number that grows within the shard (API_PutRecords: "unique to all records in the stream").

        It starts just below a power of ten and grows a digit on the way, so that whoever compares
        sequence numbers as text is found out. The exact digits are an assumption.
        """
        return str(10 ** (55 + self.index) - 7 * 50 + 7 * len(self.records))


class Stream:
    """`shards` shards that share the hash space evenly. `limited` turns the write limits of the shards on.

    Raises nothing: what is refused is None. Times are seconds since the epoch.
    """

    def __init__(self, name: str, shards: int = 1, *, limited: bool = True, retention: float = 86_400.0) -> None:
        self.name = name
        self.arn = f"arn:aws:kinesis:us-east-1:123456789012:stream/{name}"
        self.retention = retention
        self.limited = limited
        self.shards = [Shard(f"shardId-{index:012d}", index) for index in range(shards)]

    def shard_of(self, partition_key: str) -> Shard:
        """The shard whose range of hash keys holds the key's MD5."""
        return self.shards[hash_key(partition_key) * len(self.shards) // HASH_SPACE]

    def accept(self, data: bytes, partition_key: str, at: float) -> Record | None:
        """Store one record at time `at`, or None if its shard is at its write limit in that second."""
        shard = self.shard_of(partition_key)
        size, second = len(data) + len(partition_key.encode()), int(at)
        if self.limited and not shard.room_for(size, second):
            return None
        if self.limited:
            shard.written[second, "records"] += 1
            shard.written[second, "bytes"] += size
        number = shard.next_sequence_number()
        record = Record(shard.shard_id, len(shard.records), number, partition_key, data, at)
        shard.records.append(record)
        return record

    def expired(self, record: Record, at: float) -> bool:
        """Whether retention has passed: the record can no longer be read."""
        return at - record.arrived_at > self.retention

    def records(self) -> list[Record]:
        """Every record ever accepted, shard by shard, each in order."""
        return [record for shard in self.shards for record in shard.records]
