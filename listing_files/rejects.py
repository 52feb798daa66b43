"""How a file is read, and its refused rows: the first are shown, all are counted, and a file may keep them."""

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec

from listing_files.columns import Columns
from listing_files.listings import ReadRow
from listing_files.reading import Options
from pricing.market import Market
from pricing.refusal import InvalidRecord
from terminal.display import warn
from terminal.errors import UsageFailure

SHOWN = 5
HEADER = ("line", "column", "value", "reason", "row")

_as_json = msgspec.json.Encoder(enc_hook=str).encode


class Rejects:
    """Refused rows of a file. The file that keeps them is CSV: line, column, value, reason, and the row as JSON."""

    def __init__(self, what: str = "is not sent", keep: Path | None = None, limit: int | None = None) -> None:
        self.count = 0
        self._what = what
        self._path = keep
        self._limit = limit
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        if self._path:
            try:
                self._file = self._path.open("w", encoding="utf-8", newline="")
            except OSError as error:
                raise UsageFailure(f"--rejects {self._path}: {error.strerror}") from None
            csv.writer(self._file).writerow(HEADER)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()

    def refuse(self, read: ReadRow, error: InvalidRecord, columns: Columns) -> None:
        """Count a row, show it if it is one of the first, and keep it."""
        self.count += 1
        reason = str(error)
        if self.count <= SHOWN:
            where = "" if reason.startswith(("line ", "row ")) else f"line {read.line} "
            warn(f"{where}{self._what}: {reason}" if where else f"{reason}: {self._what}")
        if self._file:
            refused = reason.partition(":")[0]
            column = next((name for name, target in columns.targets.items() if target.field == refused), refused)
            broken = not read.row
            csv.writer(self._file).writerow(
                (
                    read.line,
                    "" if broken else column.strip(),
                    "" if broken else _text(read.row.get(column)),
                    reason,
                    _as_json(read.row).decode(),
                )
            )

    def sum_up(self) -> None:
        """Say how many rows more there were than are shown, and where they are kept."""
        if self.count > SHOWN:
            warn(f"… and {self.count - SHOWN:,} more {'row' if self.count == SHOWN + 1 else 'rows'}")
        if self.count and self._path:
            warn(f"{self.count:,} refused {'row is' if self.count == 1 else 'rows are'} kept in {self._path}")

    def verdict(self, file: str, *, allowed: int | None) -> str:
        """Return why the command fails for its refused rows; "" where it does not. None allows any number."""
        most = allowed if self._limit is None else self._limit
        if most is None or self.count <= most:
            return ""
        rows = "row was" if self.count == 1 else "rows were"
        return f"{file}: {self.count:,} {rows} refused; --max-invalid {self.count} lets that pass"


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is read: for which market, what was said of it, who is told, and where refused rows go."""

    market: Market
    options: Options = field(default_factory=Options)
    say: Callable[[str], object] = lambda _: None
    warn: Callable[[str], object] = lambda _: None
    rejects: Rejects | None = None


def _text(value: object) -> str:
    return "" if value is None else value if isinstance(value, str) else _as_json(value).decode()
