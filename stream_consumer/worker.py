"""Which shards a reader reads, where several divide a stream among them."""

import re
from collections.abc import Collection

from msgspec import Struct

from terminal.errors import UsageFailure

_HASH_KEYS = 2**128


class Worker(Struct, frozen=True):
    """One of `of` workers, the `number`th from 1; each reads the shards whose middle hash key lies in its part.

    The rule asks nobody, and every shard is exactly one worker's, those that splits and merges make included. A
    shard's parents may be another worker's: then the order of a key across the split or merge is kept only by what
    `source_position` says (`belo consume --latest-per-listing`, or the reader's own comparison); within a shard it is
    kept as ever.
    """

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> "Worker":
        """Return the worker that a text such as 2/4 names; raises `UsageFailure`."""
        found = re.fullmatch(r"([1-9]\d{0,4})/([1-9]\d{0,4})", text)
        if not found or int(found[1]) > int(found[2]):
            raise UsageFailure(f"--worker: expected a number and how many there are, such as 2/4, got {text}")
        return cls(int(found[1]), int(found[2]))


def reads(shards: Worker | Collection[str] | None, shard_id: str, first_key: int, last_key: int) -> bool:
    """Return whether a shard with these hash keys, both included, is among a worker's, or those named; None is all."""
    if shards is None:
        return True
    if isinstance(shards, Worker):
        return (first_key + last_key) // 2 * shards.of // _HASH_KEYS == shards.number - 1
    return shard_id in shards
