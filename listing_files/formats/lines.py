"""Lines of a CSV file, some of which are read twice."""

from collections import deque
from collections.abc import Iterable, Iterator


class Lines:
    """The decoded lines of a file, and which of them make up the row that is being read.

    A stray quote makes one row of many lines. So what follows the first line of such a row can be read again, as
    rows of its own: no good line is lost with a bad one. A line that is not UTF-8 raises `UnicodeDecodeError`, and is
    the last of its row.
    """

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = iter(lines)
        self._again: deque[bytes] = deque()
        self._row: list[bytes] = []
        self.number = 0  # of the line that was read last, from 1

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.number += 1
        self._row.append(line)
        return line.decode()

    def begin_row(self) -> None:
        """Let the next line be the first one of a row."""
        self._row.clear()

    @property
    def height(self) -> int:
        """Return how many lines the row has."""
        return len(self._row)

    def row(self) -> list[str]:
        """Return the lines of the row."""
        return [line.decode() for line in self._row]

    def keep_one(self) -> int:
        """Let the row be its first line only, the others are read again; return the number of that line."""
        behind = self._row[1:]
        self._again.extendleft(reversed(behind))
        self.number -= len(behind)
        return self.number
