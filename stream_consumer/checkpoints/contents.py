"""What a checkpoint holds."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec
from msgspec import Struct

from stream_consumer.delivered import DIGEST_BYTES
from stream_consumer.positions import ShardPosition
from terminal.errors import Failure


class Saved(Struct, frozen=True):
    """Positions by shard, and digests of the ids that were handed on last, the oldest first."""

    positions: dict[str, ShardPosition]
    delivered: list[bytes]


class Contents(Struct, frozen=True):
    """What a checkpoint holds; `stream` tells one stream from every other. `delivered` stands here in S3 only."""

    stream: str
    shards: dict[str, ShardPosition]
    delivered: bytes = b""


class Checkpoint(Protocol):
    """A place where a consumer keeps how far it came; one process at a time has it."""

    def load(self) -> Saved:
        """Take the checkpoint and return what stands there, nothing where there is none.

        Raises `Failure` for an unusable one, for one of another stream, and where another process has it.
        """

    def save(self, positions: Mapping[str, ShardPosition], delivered: Sequence[bytes]) -> None:
        """Keep positions, and what was handed on since the last time; when it returns both survive a crash."""

    def close(self) -> None:
        """Let another process have it."""


def parse(content: bytes, where: str, stream: str) -> Contents:
    """Return a checkpoint; raises `Failure` where it is none, or another stream's."""
    try:
        contents = msgspec.json.decode(content, type=Contents)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Failure(f"{where}: not a checkpoint ({error})") from None
    if contents.stream != stream:
        raise Failure(f"{where}: a checkpoint of another stream ({contents.stream})")
    return contents


def split(content: bytes) -> list[bytes]:
    """Return the digests in a file; a torn one at its end is left out."""
    return [content[at : at + DIGEST_BYTES] for at in range(0, len(content) - DIGEST_BYTES + 1, DIGEST_BYTES)]
