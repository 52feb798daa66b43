"""Rows of a file as listing events, ready for the input stream."""

import functools
import random
from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

from listing_files.listings import LISTINGS, ListingReader, ReadRow, RowReader
from listing_files.market_file import find_market
from listing_files.reading import STANDARD_INPUT, Options
from pricing.listing import decoder
from pricing.market import Market
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
    gets a new event id. A row without an id is called after the file's hash and its number. Rows that are no valid
    listing go to `on_invalid(row, error)`, once, and count in `invalid`. A row that is a CloudEvents envelope already
    is sent as it is, under its own identity. `-` is read once: a limit beyond its rows ends with them.
    """

    def __init__(
        self,
        file: str | Path,
        sha256: str,
        *,
        market: Market | None = None,
        options: Options = Options(),  # noqa: B008 - it is frozen
        sample: int | None = None,
        limit: int | None = None,
        on_invalid: Callable[[ReadRow, InvalidRecord], None] = lambda _row, _error: None,
        stdin: BinaryIO | None = None,
        say: Callable[[str], object] = lambda _: None,
    ) -> None:
        market = market or find_market({})
        self.rows = RowReader(file, LISTINGS, market, options, stdin=stdin, say=say, only_read=True)
        self.invented = 0  # ids
        self.invented_like = ""
        self._listings = ListingReader(self.rows, market, strict=options.strict)
        self._decode = decoder(market.columns)
        self._file = file
        self._sha256 = sha256
        self._sample = sample
        self._limit = limit
        self._on_invalid = on_invalid
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
        for read in iter(self.rows) if self._sample is None else _sample(iter(self.rows), self._sample):
            try:
                yield self._record(turn, read)
            except InvalidRecord as error:
                if turn == 0:
                    self.invalid += 1
                    self._on_invalid(read, error)

    def _record(self, turn: int, read: ReadRow) -> Record:
        position = RowPosition(turn, read.line)
        if is_envelope(read.row):
            return envelope_record(read.row, self._decode, position)
        sha256 = self._sha256 or _content(read.row)
        listing = self._listings.listing(read, invented_id(sha256, read.number))
        if not isinstance(read.found, InvalidRecord) and "listing_id" not in read.found:
            self.invented += turn == 0
            self.invented_like = self.invented_like or listing.listing_id
        return listing_record(listing, SOURCE, event_id(sha256, read.number, turn), position)


def invented_id(sha256: str, row: int) -> str:
    """Return what a row without an id is called: two files never speak of the same homes, a file always does."""
    return f"L-{sha256[:8]}-{row}"


def event_id(sha256: str, row: int, turn: int) -> str:
    """Return the event id of a row of a file (its SHA-256) in a pass: 32 hexadecimal digits."""
    identity = _of_file(sha256).copy()
    identity.update(b":%d:%d" % (row, turn))
    return identity.hexdigest()


@functools.lru_cache(maxsize=16)
def _of_file(sha256: str) -> blake2b:
    return blake2b(sha256.encode(), digest_size=16)


def _content(row: Mapping[str, object]) -> str:
    """Return what stands in for a file's hash where the input ends too late to be hashed."""
    return blake2b(encode_json(row), digest_size=16).hexdigest()


def _sample(rows: Iterator[ReadRow], size: int) -> list[ReadRow]:
    """Return `size` rows, each equally likely, in the order of the file (Vitter's algorithm R)."""
    choose = random.Random(SAMPLE_SEED)  # noqa: S311 - a sample, not a secret
    kept: list[ReadRow] = []
    for seen, row in enumerate(rows):
        if len(kept) < size:
            kept.append(row)
        elif (place := choose.randrange(seen + 1)) < size:
            kept[place] = row
    return sorted(kept, key=lambda row: row.number)
