"""As many predictions of a flood as fit into memory, and none twice."""

from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b

from lambdas.archive_bucket.prediction_rows import ArchivedPrediction

_ALL = 1 << 64


class Sample:
    """Predictions that arrived at or after `since`, one an `id`: of repeats, which replays bring, the first to arrive.

    Where there are more than `most`, those whose id has a hash below a bound, which is halved as often as it takes:
    which ones these are follows from the ids alone. `share` of all predictions is in it, on average. What `keep` does
    not want counts as not offered.
    """

    def __init__(
        self, since: datetime, most: int | None = None, keep: Callable[[ArchivedPrediction], bool] = lambda _: True
    ) -> None:
        self.since = since
        self._keep = keep
        self._most = most
        self._bound = _ALL
        self._first: dict[str, ArchivedPrediction] = {}

    def add(self, row: ArchivedPrediction) -> None:
        """Offer a prediction."""
        if row.arrived_at < self.since or not self._keep(row) or (self._bound < _ALL and _hash(row.id) >= self._bound):
            return
        known = self._first.get(row.id)
        if known is None or row.arrived_at < known.arrived_at:
            self._first[row.id] = row
        while self._most is not None and len(self._first) > self._most:
            self._bound //= 2
            self._first = {name: each for name, each in self._first.items() if _hash(name) < self._bound}

    @property
    def rows(self) -> list[ArchivedPrediction]:
        """Return them in the order of arrival."""
        return sorted(self._first.values(), key=lambda row: (row.arrived_at, row.id))

    @property
    def share(self) -> float:
        """Return the share of the predictions that is in the sample: 1 where all are."""
        return self._bound / _ALL

    @property
    def offered(self) -> int:
        """Return how many different predictions were offered, estimated where not all are in the sample."""
        return round(len(self._first) / self.share)


def _hash(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest())
