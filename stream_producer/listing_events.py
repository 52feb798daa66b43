"""Rows of a file as listing events, ready for the input stream."""

import random
from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO

from listing_files.csv_rows import Row
from listing_files.reading import STANDARD_INPUT, read_rows
from pricing.normalise import COLUMNS, normalise
from pricing.refusal import InvalidRecord
from stream_producer.listing_records import encode_json, envelope_record, is_envelope, listing_record
from stream_producer.records import Record, RowPosition
from terminal.errors import Failure

# One for every file: what a row is called follows from the bytes of its file, not from the file's name.
SOURCE = "/publish"

SAMPLE_SEED = 42


class ListingEvents:
    """The valid rows of a file as records of the input stream, in the order of the file.

    `sample` takes that many rows at random, the same ones each time. `limit` ends after that many events,
    going round the file (or the sample) again where it has fewer; a listing published again keeps its id and
    gets a new event id. Rows that are no valid listing go to `on_invalid(row number, error)`, once, and
    count in `invalid`. A row that is a CloudEvents envelope already is sent as it is, under its own
    identity. `-` is read once: a limit beyond its rows ends with them.
    """

    def __init__(
        self,
        file: str | Path,
        sha256: str,
        *,
        sample: int | None = None,
        limit: int | None = None,
        on_invalid: Callable[[int, InvalidRecord], None] = lambda _row, _error: None,
        stdin: BinaryIO | None = None,
    ) -> None:
        self._file = file
        self._sha256 = sha256
        self._sample = sample
        self._limit = limit
        self._on_invalid = on_invalid
        self._stdin = stdin
        self.invalid = 0

    def __iter__(self) -> Iterator[Record]:
        """Yield the records; raises as `read_rows`, and `Failure` where a limit meets no valid row."""
        left = self._limit
        turn = 0
        while left is None or left > 0:
            found = 0
            for record in self._turn(turn):
                found += 1
                yield record
                if left is not None and found == left:
                    return
            if left is None or str(self._file) == STANDARD_INPUT:
                return
            if not found:
                raise Failure(f"{self._file}: not one valid listing")
            left -= found
            turn += 1

    def _turn(self, turn: int) -> Iterator[Record]:
        for number, row in self._rows():
            try:
                yield self._record(turn, number, row)
            except InvalidRecord as error:
                if turn == 0:
                    self.invalid += 1
                    self._on_invalid(number, error)

    def _rows(self) -> Iterator[Row]:
        rows = read_rows(self._file, self._stdin, only=COLUMNS)
        return rows if self._sample is None else iter(_sample(rows, self._sample))

    def _record(self, turn: int, number: int, row: dict[str, Any] | InvalidRecord) -> Record:
        if isinstance(row, InvalidRecord):
            raise row
        position = RowPosition(turn, number)
        if is_envelope(row):
            return envelope_record(row, position)
        name = event_id(self._sha256 or _content(row), number, turn)
        return listing_record(normalise(row, f"L-{number}"), SOURCE, name, position)


def event_id(sha256: str, row: int, turn: int) -> str:
    """Return the event id of a row of a file (its SHA-256) in a pass: 32 hexadecimal digits."""
    return blake2b(f"{sha256}:{row}:{turn}".encode(), digest_size=16).hexdigest()


def _content(row: Mapping[str, object]) -> str:
    """Return what stands in for a file's hash where the input ends too late to be hashed."""
    return blake2b(encode_json(row), digest_size=16).hexdigest()


def _sample(rows: Iterator[Row], size: int) -> list[Row]:
    """Return `size` rows, each equally likely, in the order of the file (Vitter's algorithm R)."""
    choose = random.Random(SAMPLE_SEED)  # noqa: S311 - a sample, not a secret
    kept: list[Row] = []
    for seen, row in enumerate(rows):
        if len(kept) < size:
            kept.append(row)
        elif (place := choose.randrange(seen + 1)) < size:
            kept[place] = row
    return sorted(kept, key=lambda row: row[0])
