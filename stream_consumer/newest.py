"""The latest prediction for each listing, whatever order they came in."""

from stream_consumer.consumer import Arrived

_MOST_DIGITS = 129  # of a sequence number (Kinesis API reference)


class Newest:
    """The newest prediction known for each listing.

    Newest by where the listing stood on the *input* stream. A listing's events share a partition key, and
    Kinesis numbers those upwards, across a split or merge too (a child's numbers begin above its parents'),
    so the sequence number decides, then the index in an aggregated record. What is no sequence number is older than
    any. One entry a listing is kept.
    """

    def __init__(self) -> None:
        self._newest: dict[str, Arrived] = {}

    def offer(self, batch: list[Arrived]) -> list[Arrived]:
        """Take predictions in; return those that were news when they came, in order."""
        return [arrived for arrived in batch if self._is_news(arrived)]

    def all(self) -> list[Arrived]:
        """Return the newest of each listing, in the order of the input stream."""
        return sorted(self._newest.values(), key=_place)

    def _is_news(self, arrived: Arrived) -> bool:
        listing_id = arrived.event.data.listing_id
        known = self._newest.get(listing_id)
        if known is not None and _place(arrived) <= _place(known):
            return False
        self._newest[listing_id] = arrived
        return True


def _place(arrived: Arrived) -> tuple[int, int]:
    position = arrived.event.data.source_position
    number = position.sequence_number
    return int(number) if number.isdecimal() and len(number) <= _MOST_DIGITS else -1, position.index
