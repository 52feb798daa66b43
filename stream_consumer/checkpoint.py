"""How far a consumer came, kept in a file."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from stream_consumer.positions import ShardPosition
from terminal.errors import Failure, UsageFailure
from terminal.files import replace_durably


class _Contents(Struct, frozen=True):
    stream: str
    shards: dict[str, ShardPosition]


class Checkpoint:
    """A file of positions, replaced whole and durably: it is never torn, never ahead of what it covers.

    `stream` tells one stream from every other; a file of another stream is refused.
    """

    def __init__(self, file: Path, stream: str) -> None:
        self._file = file
        self._stream = stream
        self._saved: Mapping[str, ShardPosition] = {}

    def load(self) -> dict[str, ShardPosition]:
        """Return the positions by shard, none without a file; raises `Failure` for an unusable one."""
        if not os.access(self._file.parent, os.W_OK):
            raise UsageFailure(f"{self._file}: no checkpoint can be written there")
        try:
            contents = msgspec.json.decode(self._file.read_bytes(), type=_Contents)
        except FileNotFoundError:
            return {}
        except (msgspec.DecodeError, OSError) as error:
            raise Failure(f"{self._file}: not a checkpoint ({error})") from None
        if contents.stream != self._stream:
            raise Failure(f"{self._file}: a checkpoint of another stream ({contents.stream})")
        self._saved = contents.shards
        return dict(contents.shards)

    def save(self, positions: Mapping[str, ShardPosition]) -> None:
        """Write the positions; when it returns they survive a crash of the machine."""
        if positions == self._saved:
            return
        replace_durably(self._file, msgspec.json.encode(_Contents(self._stream, dict(positions))))
        self._saved = dict(positions)
