"""Files that a crash must leave whole."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from terminal.errors import Failure


def replace_durably(path: Path, content: bytes) -> None:
    """Give a file new content; when it returns, a crash of the machine leaves the new one, before that the old one.

    A reader sees one or the other, whole. A symbolic link stays, and the file that it points to is replaced. The file
    keeps its mode; a new one is readable by its owner alone.
    """
    target = path.resolve()
    descriptor, draft = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            if target.exists():
                os.fchmod(file.fileno(), target.stat().st_mode & 0o777)
            os.fsync(file.fileno())
        Path(draft).replace(target)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder durable: until then a crash may bring the old file back."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def append_durably(path: Path, content: bytes, at: int) -> None:
    """Write after the first `at` bytes of a file, which loses what followed; when it returns it survives a crash."""
    new = not path.exists()
    with path.open("r+b" if not new else "w+b") as file:
        file.truncate(at)
        file.seek(at)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if new:
        _sync_folder(path.resolve().parent)


_locked: dict[Path, tuple[IO[bytes], int]] = {}  # by this process: the open file, and how many hold it


class FileLock:
    """FILE.lock beside a file, which one process at a time can hold; it is free again when the process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()
        self._holds = False

    def acquire(self) -> None:
        """Take it; raises `Failure` naming the file where another process holds it."""
        if self._holds:
            return
        file, holders = _locked.get(self._path) or (_lock(self._path), 0)
        _locked[self._path] = (file, holders + 1)
        self._holds = True

    def release(self) -> None:
        """Let go of it."""
        if not self._holds:
            return
        self._holds = False
        file, holders = _locked.pop(self._path)
        if holders > 1:
            _locked[self._path] = (file, holders - 1)
        else:
            file.close()


@contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Wait until no other process is in here with the same path; FILE.lock stands beside it."""
    with path.with_name(f"{path.name}.lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _lock(path: Path) -> IO[bytes]:
    file = path.with_name(f"{path.name}.lock").open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise Failure(f"{path}: another process works with this file") from None
    return file
