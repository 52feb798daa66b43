"""Lines of a CSV file, some of which are read twice."""

from collections import deque
from collections.abc import Iterable, Iterator

from belo.errors import Failure


class Lines:
    """The decoded lines of a file, and which of them make up the row that is being read.

    A stray quote makes one row of many lines. So what follows the first line of such a row can be read again, as
    rows of its own: no good line is lost with a bad one. Raises `Failure` naming the line that is not UTF-8.
    """

    def __init__(self, lines: Iterable[bytes], name: str) -> None:
        self._lines = iter(lines)
        self._name = name
        self._again: deque[str] = deque()
        self._row: list[str] = []
        self.number = 0  # of the line that was read last, from 1

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._decoded(next(self._lines))
        self.number += 1
        self._row.append(line)
        return line

    def begin_row(self) -> None:
        """Let the next line be the first one of a row."""
        self._row.clear()

    def keep_one(self) -> int:
        """Let the row be its first line only, the others are read again; return the number of that line."""
        behind = self._row[1:]
        self._again.extendleft(reversed(behind))
        self.number -= len(behind)
        return self.number

    def _decoded(self, line: bytes) -> str:
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            byte = f"byte 0x{line[error.start]:02x}"
            raise Failure(f"{self._name}, line {self.number + 1}: not UTF-8 ({byte} at {error.start})") from None
