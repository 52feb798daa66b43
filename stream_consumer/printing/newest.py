"""The latest prediction for each listing, whatever order they came in."""

from pathlib import Path

import msgspec

from stream_consumer.consumer import Arrived
from terminal.files import append_durably, replace_durably

_MOST_DIGITS = 129  # of a sequence number (Kinesis API reference)

Place = tuple[int, int]


class Newest:
    """The newest prediction known for each listing.

    Newest by where the listing stood on the *input* stream. A listing's events share a partition key, and
    Kinesis numbers those upwards, across a split or merge too (a child's numbers begin above its parents'),
    so the sequence number decides, then the index in an aggregated record. What is no sequence number is older than
    any. One entry a listing is kept; with a `file`, across runs too, so that none of them shows an older prediction
    after a newer one.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._places: dict[str, Place] = {}
        self._newest: dict[str, Arrived] = {}
        self._size = 0  # of the file, in bytes
        self._lines = 0
        if file is not None and file.exists():
            self._load(file)

    def offer(self, batch: list[Arrived]) -> list[Arrived]:
        """Take predictions in; return those that were news when they came, in order."""
        return [arrived for arrived in batch if self._is_news(arrived)]

    def all(self) -> list[Arrived]:
        """Return the newest of each listing that came in this run, in the order of the input stream."""
        return sorted(self._newest.values(), key=_place)

    def keep(self, shown: list[Arrived]) -> None:
        """Remember durably what was shown, for later runs."""
        if self._file is None or not shown:
            return
        if self._lines > 2 * len(self._places) + 1_000:
            lines = _lines(self._places)
            replace_durably(self._file, lines)
            self._size, self._lines = len(lines), len(self._places)
            return
        lines = _lines({each.event.data.listing_id: _place(each) for each in shown})
        append_durably(self._file, lines, self._size)
        self._size += len(lines)
        self._lines += len(shown)

    def _load(self, file: Path) -> None:
        content = file.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]  # a torn line is written again
        for line in whole.splitlines():
            listing_id, number, index = msgspec.json.decode(line, type=tuple[str, str, int])
            self._places[listing_id] = max(self._places.get(listing_id, (-1, -1)), (int(number), index))
            self._lines += 1
        self._size = len(whole)

    def _is_news(self, arrived: Arrived) -> bool:
        listing_id, place = arrived.event.data.listing_id, _place(arrived)
        known = self._places.get(listing_id)
        if known is not None and place <= known:
            return False
        self._places[listing_id] = place
        self._newest[listing_id] = arrived
        return True


def _lines(places: dict[str, Place]) -> bytes:
    return msgspec.json.Encoder().encode_lines([(name, str(number), index) for name, (number, index) in places.items()])


def _place(arrived: Arrived) -> Place:
    position = arrived.event.data.source_position
    number = position.sequence_number
    return int(number) if number.isdecimal() and len(number) <= _MOST_DIGITS else -1, position.index
