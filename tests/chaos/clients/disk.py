"""Files that a power cut empties of what was not synced, disks that fill up, and pipes that take a part."""

import errno
import io
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from tests.simulator.clock import Killed, SimulatedClock
from tests.simulator.faults import Call, Crash, Fault, Faults, Injected

_fsync = os.fsync


@dataclass(frozen=True, slots=True)
class DiskFull:
    """The disk takes a part of a write and then no more; a sync fails."""


@dataclass(frozen=True, slots=True)
class ShortWrite:
    """The sink takes a part of what it is given, and says so."""


class Disk:
    """A folder of real files; what survives a power cut is what `os.fsync` was called for, names included.

    `faults` is asked with service "disk", operation "fsync" or "write", and a file's name.
    """

    def __init__(self, folder: Path, clock: SimulatedClock, faults: Faults, rng: random.Random) -> None:
        self.folder = folder
        self._clock = clock
        self._faults = faults
        self._random = rng
        self._synced: dict[int, bytes] = {}  # by inode: content that would survive
        self._names: dict[str, int] = {}  # durable names of inodes
        self.injected = Injected()

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Let all syncs of this process go to this disk."""
        with patch("os.fsync", self._sync):
            yield

    def power_cut(self) -> None:
        """Lose what was not synced."""
        survived = {name: self._synced.get(inode, b"") for name, inode in self._names.items()}
        for path in self._files():
            path.unlink()
        for name, content in survived.items():
            (self.folder / name).write_bytes(content)
        self._remember_names()
        self._synced = {inode: survived[name] for name, inode in self._names.items()}

    def fault(self, operation: str, name: str) -> Fault | None:
        """Return what strikes a write or sync; a crash happens here and now."""
        self._clock.check()
        fault = self._faults(Call("disk", operation, name))
        if fault is not None:
            self.injected.note(fault)
        if isinstance(fault, Crash):
            self._clock.kill("SIGKILL")
        return fault

    def share(self, size: int) -> int:
        """Return how much of a write is taken where not all of it is."""
        return self._random.randrange(size) if size else 0

    def _sync(self, descriptor: int) -> None:
        target = Path(f"/proc/self/fd/{descriptor}").readlink()
        if self.folder not in (target, target.parent):
            _fsync(descriptor)
            return
        if self.fault("fsync", target.name) is not None:
            raise OSError(errno.ENOSPC, "No space left on device", str(target))
        if target == self.folder:
            self._remember_names()
        else:
            inode = os.fstat(descriptor).st_ino
            self._synced[inode] = target.read_bytes()
            self._names.setdefault(target.name, inode)  # a new file's name comes with it, a changed one's does not
            if self.fault("fsync", target.name) is not None:  # a crash after the sync
                raise OSError(errno.ENOSPC, "No space left on device", str(target))

    def _remember_names(self) -> None:
        self._names = {path.name: path.stat().st_ino for path in self._files()}
        self._synced = {inode: self._synced.get(inode, b"") for inode in self._names.values()}

    def _files(self) -> list[Path]:
        return [each for each in self.folder.iterdir() if each.is_file() and not each.name.endswith(".lock")]


class Sink(io.RawIOBase):
    """Standard output of a process, unbuffered: a pipe, or a file on the disk if there is a path."""

    def __init__(self, disk: Disk, path: Path | None, received: bytearray) -> None:
        self._disk = disk
        self._file = path.open("ab", buffering=0) if path else None
        self._received = received

    def fileno(self) -> int:
        """As a file has one, and this pipe has none."""
        return self._file.fileno() if self._file else super().fileno()

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data) -> int:
        """Take data, or a part of it."""
        content = bytes(data)
        fault = None
        try:
            fault = self._disk.fault("write", "output")
        except Killed:
            self._take(content[: self._disk.share(len(content))])
            raise
        if isinstance(fault, DiskFull):
            self._take(content[: self._disk.share(len(content))])
            raise OSError(errno.ENOSPC, "No space left on device")
        if isinstance(fault, ShortWrite):
            content = content[: max(1, self._disk.share(len(content)))]
        self._take(content)
        return len(content)

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()
        super().close()

    def _take(self, content: bytes) -> None:
        if self._file:
            self._file.write(content)
        else:
            self._received += content
