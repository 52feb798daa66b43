"""Files that a crash must leave whole."""

import os
import tempfile
from pathlib import Path


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
