"""Reading the archive: predictions, sales, and the two joined, for the monitor and for training alike.

archive = Archive(s3, bucket)
sales = archive.sales()
pairs = label(archive.of_listings((sale.listing_id for sale in sales), since, until), sales)
"""

import gzip
import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

import msgspec
from msgspec import Struct, structs

from lambdas.archive_bucket.day_index import NEVER, Index
from lambdas.archive_bucket.prediction_rows import PREDICTIONS, ArchivedPrediction
from lambdas.archive_bucket.sales import DECISIONS, REPORTED_AT, SALES, Decision, ReportedSale, Sale
from lambdas.archive_bucket.sample import Sample
from lambdas.aws.objects import DAY, Object, Objects, day_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Keep = Callable[[ArchivedPrediction], bool]

_rows = msgspec.json.Decoder(ArchivedPrediction)
_sales = msgspec.json.Decoder(Sale)
_decisions = msgspec.json.Decoder(Decision)

REMEMBERED = timedelta(days=180)  # sales reported before play no part any more
LISTED = timedelta(days=365)  # before its sale is reported a home is priced
Line = TypeVar("Line", Sale, Decision)


class Labelled(Struct, frozen=True, gc=False):
    """A prediction and what the home was sold for."""

    prediction: ArchivedPrediction
    sale: ReportedSale

    @property
    def offset(self) -> float:
        """Return log(actual / predicted): positive where the home went for more."""
        return math.log(self.sale.sale_price / self.prediction.predicted_price)


class Archive:
    """The archive bucket. The clock says which days are closed; after `deadline` no further index is begun."""

    def __init__(
        self,
        s3: "S3Client",
        bucket: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        deadline: datetime = NEVER,
    ) -> None:
        self._objects = Objects(s3, bucket)
        self._index = Index(self._objects, clock, deadline)
        self.unreadable = 0  # lines of sales objects that are no sale and no decision, and were skipped
        self.withdrawn = 0  # sales that somebody has withdrawn

    def predictions(self, since: datetime, until: datetime, keep: Keep = lambda _: True) -> list[ArchivedPrediction]:
        """Return the predictions that arrived in [since, until) and that `keep` wants, in order of arrival.

        Each once, as `Sample` says. Reads the objects of all days in between, and holds in memory only what is kept.
        """
        every = Sample(since)
        self.of_listings((), since, until, keep, every)
        return every.rows

    def of_listings(
        self,
        listing_ids: Iterable[str],
        since: datetime,
        until: datetime,
        keep: Keep = lambda _: True,
        sample: Sample | None = None,
    ) -> list[ArchivedPrediction]:
        """Return what `predictions` returns, of some listings; offer what came of any listing to a sample.

        Of closed days before the sample's it reads only the objects that hold one of the listings (see `archive_index`,
        whose `IndexBehind` it may raise). Each object is read once.
        """
        wanted = frozenset(listing_ids)
        whole = max(since, sample.since) if sample else until
        began = since if wanted else whole
        if began >= until:
            return []

        def rows(each: Object) -> list[ArchivedPrediction]:
            return [
                row
                for row in _rows.decode_lines(gzip.decompress(each.body))
                if began <= row.arrived_at < until
                and (row.arrived_at >= whole or row.listing_id in wanted)
                and keep(row)
            ]

        of_listings = Sample(since)
        for found in self._objects.read(self._keys(wanted, began, whole, until), rows):
            for row in found:
                if row.listing_id in wanted:
                    of_listings.add(row)
                if sample:
                    sample.add(row)
        return of_listings.rows

    def sales(self) -> list[ReportedSale]:
        """Return every sale ever reported, one a listing; in the order of the first reports, then of the closing.

        Price and closing are those of the latest report, `reported_at` is the first one's: a sale that is corrected, or
        exported again, keeps its place. What was withdrawn is left out, as decided by the newest decision.
        """
        self.unreadable = 0
        decided: dict[str, tuple[datetime, str]] = {}
        for at, line in self._lines(DECISIONS, _decisions):
            decided[line.listing_id] = max((at, line.decision), decided.get(line.listing_id, (at, "")))
        first: dict[str, datetime] = {}
        latest: dict[str, ReportedSale] = {}
        withdrawn: set[str] = set()
        for at, sale in self._lines(SALES, _sales):
            name = sale.listing_id
            decided_at, decision = decided.get(name, (at, ""))
            if decision == "withdrawn" and at <= decided_at:
                withdrawn.add(name)
                continue
            first[name] = min(at, first.get(name, at))
            if name not in latest or latest[name].reported_at <= at:
                accepted = decision == "accepted" and at <= decided_at
                latest[name] = ReportedSale(name, sale.sale_price, sale.sold_at, at, accepted)
        self.withdrawn = len(withdrawn - set(latest))
        sales = [structs.replace(sale, reported_at=first[name]) for name, sale in latest.items()]
        return sorted(sales, key=lambda sale: (sale.reported_at, sale.sold_at, sale.listing_id))

    def _keys(self, wanted: frozenset[str], since: datetime, whole: datetime, until: datetime) -> list[str]:
        days = self._objects.days(PREDICTIONS, since, until)
        old = [day for day in days if day < day_of(whole - DAY) and self._index.closed(day, until)]
        keys = self._index.holding(wanted, old) if old else []
        young = sorted(set(days) - set(old))
        return sorted(keys + [key for day in young for key in self._objects.keys_of(PREDICTIONS, day)])

    def _lines(self, folder: str, decoder: msgspec.json.Decoder[Line]) -> Iterator[tuple[datetime, Line]]:
        """Yield when each line of a folder's objects was reported, and the line."""
        for found in self._objects.read(self._objects.keys(f"{folder}/dt="), lambda each: each):
            reported = found.metadata.get(REPORTED_AT)
            reported_at = datetime.fromisoformat(reported) if reported else found.modified_at
            for line in found.body.splitlines():
                try:
                    yield reported_at, decoder.decode(line)
                except (ValueError, RecursionError):
                    self.unreadable += 1


def label(predictions: Iterable[ArchivedPrediction], sales: Iterable[ReportedSale]) -> list[Labelled]:
    """Return each sale with the newest of its listing's predictions that arrived before it was reported.

    In the order of the sales; sales without such a prediction are left out. One that was made after the report says
    nothing: its model may have learnt from the sale. Whether a prediction came before the sale *closed* is not asked:
    `sold_at` is what somebody typed.
    """
    by_listing: defaultdict[str, list[ArchivedPrediction]] = defaultdict(list)
    for row in sorted(predictions, key=lambda row: row.arrived_at):
        by_listing[row.listing_id].append(row)
    found: list[Labelled] = []
    for sale in sales:
        rows = by_listing[sale.listing_id]
        before = bisect_left(rows, sale.reported_at, key=lambda row: row.arrived_at)
        if before:
            found.append(Labelled(rows[before - 1], sale))
    return found


def remembered(archive: Archive, until: datetime) -> tuple[list[ReportedSale], list[Labelled]]:
    """Return the sales first reported in the `REMEMBERED` before `until`, and those of homes that had been priced."""
    since = until - REMEMBERED
    sales = [sale for sale in archive.sales() if since <= sale.reported_at < until]
    return sales, label(archive.of_listings((sale.listing_id for sale in sales), since - LISTED, until), sales)
