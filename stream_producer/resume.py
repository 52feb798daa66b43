"""How far a publisher came, kept so that it can go on after any end, and never skips.

The file says up to which line *everything* has been taken by the stream. It is written after the stream has
taken the rows and replaced atomically, so that whatever kills the publisher, it is behind the stream and
never ahead: what was in flight is published again, under the same event ids, and consumers drop it as
repeats.
"""

import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from itertools import chain
from pathlib import Path

import msgspec
from msgspec import Struct

from stream_producer.records import Record, RowPosition
from terminal.errors import Failure
from terminal.files import FileLock, replace_durably

FOLDER = Path("build/publish")
SECONDS_BETWEEN_SAVES = 0.2


class _State(Struct, frozen=True):
    """Everything up to this line of this pass, invalid rows aside, is on the stream."""

    turn: int
    line: int = msgspec.field(name="row")  # as it was once counted: a line is never behind its row


class Progress:
    """The position up to which a run is on the stream, with a file that remembers it.

    Records pass `watch` on their way out, in order; `accepted` is told what the stream took, in any order.
    """

    def __init__(self, file: Path | None, warn: Callable[[str], object] = lambda _: None) -> None:
        self._file = file
        self._lock = FileLock(file) if file else None
        self._warn = warn
        self._warned = False
        self._outstanding: deque[RowPosition] = deque()
        self._taken: set[RowPosition] = set()
        self._saved_at = 0.0
        self._started_at: RowPosition | None = None
        self._last: RowPosition | None = None
        self.acknowledged: RowPosition | None = None

    def load(self) -> RowPosition | None:
        """Take up from the file and return where it stands; what it covers, `watch` leaves out."""
        self.begin()
        if self._file is None or not self._file.exists():
            return None
        try:
            state = msgspec.json.decode(self._file.read_bytes(), type=_State)
        except msgspec.DecodeError as error:
            raise Failure(f"{self._file}: cannot tell how far publishing came ({error})") from None
        self._started_at = self.acknowledged = RowPosition(state.turn, state.line)
        return self.acknowledged

    def begin(self) -> None:
        """Take the file for this run; raises `Failure` naming it where another process publishes the same."""
        if self._lock:
            self._lock.acquire()

    def end(self) -> None:
        """Let another process have the file."""
        if self._lock:
            self._lock.release()

    @property
    def place(self) -> str:
        """Return the position in words."""
        at = self.acknowledged
        return "" if at is None else f"line {at.line}" + (f" of pass {at.turn + 1}" if at.turn else "")

    @property
    def is_beyond(self) -> bool:
        """Return whether the file stands at a place that the records, read to their end, do not come to."""
        return self._started_at is not None and (self._last is None or self._last < self._started_at)

    def watch(self, records: Iterable[Record | None]) -> Iterator[Record | None]:
        """Pass on the records that are not on the stream yet, remembering that they are on their way."""
        start = self.acknowledged or RowPosition(0, 0)
        for record in records:
            if record is not None:
                self._last = record.positions[-1]
                if self._last <= start:
                    continue
                self._outstanding.extend(record.positions)
            yield record

    def accepted(self, records: list[Record]) -> None:
        """Remember that the stream has taken these records."""
        self._taken.update(chain.from_iterable(record.positions for record in records))
        moved = False
        while self._outstanding and self._outstanding[0] in self._taken:
            self.acknowledged = self._outstanding.popleft()
            self._taken.discard(self.acknowledged)
            moved = True
        if moved and time.monotonic() - self._saved_at >= SECONDS_BETWEEN_SAVES:
            self.save()

    def save(self) -> None:
        """Write the file; when it returns, the position survives a crash of the machine.

        One that cannot be written is a warning: the run goes on, and cannot be resumed from here.
        """
        if self._file is None or self.acknowledged is None:
            return
        self._saved_at = time.monotonic()
        try:
            replace_durably(self._file, msgspec.json.encode(_State(*self.acknowledged)))
        except OSError as error:
            if not self._warned:
                self._warn(f"{self._file}: how far publishing came cannot be kept ({error})")
            self._warned = True

    def forget(self) -> None:
        """Remove the file: the run is complete, or begins anew."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)


def progress_file(stream: str, sha256: str, sample: int | None) -> Path:
    """Return where the progress of publishing a file to a stream is kept; the folder is made.

    `stream` tells one stream from another of its name that was there before it; the file is known by its
    content. Raises `OSError` where nothing can be written there.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=FOLDER):
        pass
    name = blake2b(f"{stream}\n{sha256}\n{sample}".encode(), digest_size=16).hexdigest()
    return FOLDER / f"{name}.json"
