"""Which objects of the archive hold a listing's predictions: an index a day, so that old days need not be read again.

index/dt=YYYY-MM-DD.npz    of the objects under predictions/dt=YYYY-MM-DD/
    hashes     uint64, sorted: the first 8 bytes of BLAKE2b of each listing's id, once an object that holds it
    places     uint32, the same length: which of `keys` that object is
    keys       bytes: the keys of the day's objects

Only of days that are closed: Lambda gives up on a record after seven days at the latest, so that nothing is archived
under a day that ended `CLOSED` ago, unless a person puts back what was parked, who also deletes the day's index. Built
once, by whoever needs it first, and never changed.
"""

import gzip
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from lambdas.archive_bucket.prediction_rows import PREDICTIONS
from lambdas.aws.objects import DAY, Object, Objects, day_of

INDEX = "index"
CLOSED = timedelta(days=8)
NEVER = datetime.max.replace(tzinfo=UTC)

Hashes = NDArray[np.uint64]


class IndexBehind(Exception):
    """There was not the time to index all closed days; those that were done are kept, and the next call goes on."""


class _Row(Struct, frozen=True, gc=False):
    listing_id: str


_rows = msgspec.json.Decoder(_Row)


@dataclass(frozen=True, slots=True)
class DayIndex:
    """The index of a day; see above."""

    hashes: Hashes
    places: NDArray[np.uint32]
    keys: NDArray[np.bytes_]

    @classmethod
    def of(cls, keys: Sequence[str], listings: Iterable[Hashes]) -> "DayIndex":
        """Return the index of objects: their keys, and the hashes of the listings in each, without repeats."""
        parts = list(listings)
        places = np.repeat(np.arange(len(parts), dtype=np.uint32), [len(each) for each in parts])
        hashes = np.concatenate([np.empty(0, np.uint64), *parts])
        order = np.lexsort((places, hashes))
        return cls(hashes[order], places[order], np.array([key.encode() for key in keys], dtype=np.bytes_))

    @classmethod
    def load(cls, body: bytes) -> "DayIndex":
        """Return the index that an object holds."""
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            return cls(arrays["hashes"], arrays["places"], arrays["keys"])

    def encode(self) -> bytes:
        """Return the index as an object holds it."""
        body = io.BytesIO()
        np.savez_compressed(body, allow_pickle=False, hashes=self.hashes, places=self.places, keys=self.keys)
        return body.getvalue()

    def holding(self, wanted: Hashes) -> list[str]:
        """Return the keys of the objects that hold a listing of one of these hashes."""
        left, right = (np.searchsorted(self.hashes, wanted, side) for side in ("left", "right"))
        found = {int(place) for a, b in zip(left, right, strict=True) if a < b for place in self.places[a:b]}
        return [self.keys[place].decode() for place in sorted(found)]


class Index:
    """The index of the archive's closed days."""

    def __init__(self, objects: Objects, clock: Callable[[], datetime], deadline: datetime = NEVER) -> None:
        self._objects = objects
        self._clock = clock
        self._deadline = deadline

    def closed(self, day: str, until: datetime) -> bool:
        """Return whether nothing more can come to a day: seen from now, and from `until` where that is earlier."""
        return day <= day_of(min(until, self._clock()) - CLOSED - DAY)

    def holding(self, listing_ids: Iterable[str], days: Sequence[str]) -> list[str]:
        """Return the keys of the objects that hold a prediction of one of the listings, of closed days.

        Also of a few more objects, where hashes collide. Builds the indexes that are missing; raises `IndexBehind`
        where the deadline comes before the last of them is begun.
        """
        wanted = listing_hashes(listing_ids)
        built = set(self._objects.keys(f"{INDEX}/"))
        names = [_key(day) for day in days if _key(day) in built]
        found = list(self._objects.read(names, lambda each: DayIndex.load(each.body).holding(wanted)))
        missing = [day for day in days if _key(day) not in built]
        for done, day in enumerate(missing):
            if self._clock() >= self._deadline:
                raise IndexBehind(f"{len(missing) - done} days of the archive are not indexed yet, {done} were now")
            found.append(self._build(day).holding(wanted))
        return [key for keys in found for key in keys]

    def _build(self, day: str) -> DayIndex:
        keys = self._objects.keys_of(PREDICTIONS, day)
        index = DayIndex.of(keys, self._objects.read(keys, _listings))
        self._objects.add(_key(day), index.encode())
        return index


def _key(day: str) -> str:
    return f"{INDEX}/dt={day}.npz"


def _listings(found: Object) -> Hashes:
    return listing_hashes(row.listing_id for row in _rows.decode_lines(gzip.decompress(found.body)))


def listing_hashes(listing_ids: Iterable[str]) -> Hashes:
    """Return the hashes by which an index knows listings, shape (N,), each once and in order."""
    digests = b"".join(blake2b(each.encode(), digest_size=8).digest() for each in set(listing_ids))
    return np.unique(np.frombuffer(digests, dtype="<u8").astype(np.uint64))
