"""A checkpoint in a file."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from stream_consumer.checkpoints.contents import Contents, Saved, parse, split
from stream_consumer.delivered import DIGEST_BYTES, REMEMBERED
from stream_consumer.positions import ShardPosition
from terminal.errors import Failure, UsageFailure
from terminal.files import FileLock, append_durably, replace_durably


class FileCheckpoint:
    """A file of positions, replaced whole and durably, and FILE.delivered beside it, which grows and is cut back.

    The ids are durable before the positions: a crash between the two repeats nothing. FILE.lock is held while a process
    reads on from here. A symbolic link is followed.
    """

    def __init__(self, file: Path, stream: str, *, remembered: int = REMEMBERED) -> None:
        self._file = file
        self._delivered = file.with_name(f"{file.name}.delivered")
        self._lock = FileLock(file)
        self._stream = stream
        self._remembered = remembered
        self._kept = 0  # ids in the file
        self._saved: Mapping[str, ShardPosition] = {}

    def load(self) -> Saved:
        """As `Checkpoint` says."""
        if not os.access(self._file.parent, os.W_OK):
            raise UsageFailure(f"{self._file}: no checkpoint can be written there")
        self._lock.acquire()
        try:
            contents = parse(self._file.read_bytes(), str(self._file), self._stream)
        except FileNotFoundError:
            self._delivered.unlink(missing_ok=True)
            return Saved({}, [])
        except OSError as error:
            raise Failure(f"{self._file}: not a checkpoint ({error})") from None
        self._saved = contents.shards
        delivered = split(self._read_delivered())
        self._kept = len(delivered)
        return Saved(dict(contents.shards), delivered)

    def save(self, positions: Mapping[str, ShardPosition], delivered: Sequence[bytes]) -> None:
        """As `Checkpoint` says."""
        if delivered:
            self._keep(delivered)
        if positions != self._saved:
            replace_durably(self._file, msgspec.json.encode(Contents(self._stream, dict(positions))))
            self._saved = dict(positions)

    def close(self) -> None:
        """As `Checkpoint` says."""
        self._lock.release()

    def _keep(self, delivered: Sequence[bytes]) -> None:
        if self._kept + len(delivered) > 2 * self._remembered:
            ids = [*split(self._read_delivered()), *delivered][-self._remembered :]
            replace_durably(self._delivered, b"".join(ids))
            self._kept = len(ids)
        else:
            append_durably(self._delivered, b"".join(delivered), self._kept * DIGEST_BYTES)
            self._kept += len(delivered)

    def _read_delivered(self) -> bytes:
        try:
            return self._delivered.read_bytes()
        except FileNotFoundError:
            return b""
