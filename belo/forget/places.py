"""Where a stack keeps what names a listing, and the listing out of all of it."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from belo.forget.contents import Kind, document, index, letters, parked, redriven, rows
from belo.forget.listing_name import ListingName
from belo.forget.stored import Found, Stored
from lambdas.archive_bucket.day_index import INDEX
from lambdas.archive_bucket.prediction_rows import FOREIGN, PREDICTIONS
from lambdas.archive_bucket.sales import SALES
from lambdas.aws.objects import READERS
from pricing.dead_letter_layout import DEAD_LETTERS, PARKED
from stream_producer.dead_letters_bucket.objects import REDRIVEN

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_AHEAD = 64  # objects that are looked through before the next ones are listed


class Place(Struct, frozen=True):
    """A folder of a bucket and what its objects are."""

    name: str
    bucket: Literal["archive", "dead letters"]
    folder: str
    kind: Kind
    dated: bool = False


# In the direction that things move, so that none slips by: what is redriven moves on within its bucket, and the monitor
# and the retraining read what stands before them. Sales go before predictions: as long as a sale stands the monitor
# asks the index for its home, and must find the objects that it names.
PLACES = (
    Place("dead letters", "dead letters", DEAD_LETTERS, letters),
    Place("parked listings", "dead letters", PARKED, parked),
    Place("redriven", "dead letters", REDRIVEN, redriven),
    Place("sales", "archive", SALES, rows, dated=True),
    Place("parked predictions", "archive", PARKED, parked),
    Place("predictions", "archive", PREDICTIONS, rows),
    Place("foreign records", "archive", FOREIGN, letters),
    Place("index", "archive", INDEX, index),
    Place("monitor", "archive", "monitor", document),
    Place("retraining", "archive", "retraining", document),
)


class Forgotten(Struct):
    """What was found of a listing, by place, and removed unless it was a dry run; and what could not be read."""

    listing_id: str
    dry_run: bool
    places: dict[str, Found]
    unreadable: list[str]

    @property
    def total(self) -> Found:
        """Return the sums over all places."""
        total = Found()
        for each in self.places.values():
            total.add(each)
        return total


def forget(
    s3: "S3Client",
    buckets: dict[str, str],
    listing: ListingName,
    *,
    dry_run: bool,
    progress: Callable[[int], object] = lambda _: None,
) -> Forgotten:
    """Take a listing out of every place of a stack; `buckets` are the names of "archive" and "dead letters".

    Safe to repeat, and to interrupt: the next run does what is left. Reads every object, `READERS` at once. Raises
    `Failure` and botocore's errors as `Stored.forget` does; what was removed by then is removed.
    """
    result = Forgotten(listing.id, dry_run, {}, [])
    for place in PLACES:
        stored = Stored(s3, buckets[place.bucket], place.kind, listing, dated=place.dated, dry_run=dry_run)
        found = result.places[place.name] = Found()
        for each in _each(stored, f"{place.folder}/"):
            found.add(each)
            progress(1)
        result.unreadable += stored.unreadable
    return result


def _each(stored: Stored, prefix: str) -> Iterator[Found]:
    with ThreadPoolExecutor(READERS) as pool:
        for some in _chunks(stored.keys(prefix)):
            yield from pool.map(lambda each: stored.forget(each[0], older=each[1]), some)


def _chunks(keys: Iterable[tuple[str, bool]]) -> Iterator[list[tuple[str, bool]]]:
    left = iter(keys)
    while some := list(islice(left, _AHEAD)):
        yield some
