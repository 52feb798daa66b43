"""Reading the archive: predictions, sales, and the two joined, for the monitor and for training alike.

archive = Archive(s3, bucket)
sales = archive.sales(since)
sold = {sale.listing_id for sale in sales}
pairs = label(archive.predictions(since, until, lambda row: row.listing_id in sold), sales)
"""

import gzip
import math
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from lambdas.archived import PREDICTIONS, ArchivedPrediction
from lambdas.sales import REPORTED_AT, SALES, ReportedSale, Sale

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

READERS = 8  # objects fetched at once; the client must hold as many connections
_AHEAD = 64  # objects that may wait in memory

_rows = msgspec.json.Decoder(ArchivedPrediction)
_sales = msgspec.json.Decoder(Sale)


class Labelled(Struct, frozen=True, gc=False):
    """A prediction and what the home was sold for."""

    prediction: ArchivedPrediction
    sale: ReportedSale

    @property
    def offset(self) -> float:
        """Return log(actual / predicted): positive where the home went for more."""
        return math.log(self.sale.sale_price / self.prediction.predicted_price)


class _Object(Struct, frozen=True):
    body: bytes
    reported_at: datetime


class Archive:
    """The archive bucket."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self.unreadable = 0  # lines of sales objects that are no sale, and were skipped

    def predictions(
        self, since: datetime, until: datetime, keep: Callable[[ArchivedPrediction], bool] = lambda _: True
    ) -> list[ArchivedPrediction]:
        """Return the predictions that arrived in [since, until) and that `keep` wants, in order of arrival.

        Each once: of repeats of an `id`, which replayed batches bring, the first to arrive stands. Reads the
        objects of all days in between, and holds in memory only what is kept.
        """
        first: dict[str, ArchivedPrediction] = {}
        # A batch stands under the day of its first record, and may hold some of the next day.
        for each in self._objects(PREDICTIONS, since - timedelta(days=1), until):
            for row in _rows.decode_lines(gzip.decompress(each.body)):
                if since <= row.arrived_at < until and keep(row):
                    known = first.get(row.id)
                    if known is None or row.arrived_at < known.arrived_at:
                        first[row.id] = row
        return sorted(first.values(), key=lambda row: (row.arrived_at, row.id))

    def sales(self, since: datetime) -> list[ReportedSale]:
        """Return the sales reported since a day, one a listing, the latest report; in the order of the reports.

        Sales of one report are in the order of their closing.
        """
        latest: dict[str, ReportedSale] = {}
        for each in self._objects(SALES, since, None):
            for sale in self._reported(each):
                known = latest.get(sale.listing_id)
                if known is None or known.reported_at <= sale.reported_at:
                    latest[sale.listing_id] = sale
        return sorted(latest.values(), key=lambda sale: (sale.reported_at, sale.sold_at, sale.listing_id))

    def _reported(self, found: "_Object") -> Iterator[ReportedSale]:
        for line in found.body.splitlines():
            try:
                sale = _sales.decode(line)
            except (ValueError, RecursionError):
                self.unreadable += 1
                continue
            yield ReportedSale(sale.listing_id, sale.sale_price, sale.sold_at, found.reported_at)

    def _objects(self, folder: str, since: datetime, until: datetime | None) -> Iterator["_Object"]:
        keys = self._keys(folder, since, until)
        with ThreadPoolExecutor(READERS) as pool:
            for start in range(0, len(keys), _AHEAD):
                yield from pool.map(self._object, keys[start : start + _AHEAD])

    def _object(self, key: str) -> "_Object":
        reply = self._s3.get_object(Bucket=self._bucket, Key=key)
        said = reply["Metadata"].get(REPORTED_AT)
        return _Object(reply["Body"].read(), datetime.fromisoformat(said) if said else reply["LastModified"])

    def _keys(self, folder: str, since: datetime, until: datetime | None) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=f"{folder}/dt=", StartAfter=f"{folder}/dt={since:%Y-%m-%d}"
        )
        last = f"{folder}/dt={until:%Y-%m-%d}~" if until else "~"
        keys: list[str] = []
        for page in pages:
            keys += [each["Key"] for each in page.get("Contents", [])]
            if keys and keys[-1] > last:
                break
        return [key for key in keys if key <= last]


def label(predictions: Iterable[ArchivedPrediction], sales: Iterable[ReportedSale]) -> list[Labelled]:
    """Return each sale with its listing's newest prediction among those given; sales of others are left out.

    In the order of the sales. Whether a prediction came before the sale closed is not asked: `sold_at` is what
    somebody typed, and a listing priced again after its sale was priced from the same fields.
    """
    newest = {row.listing_id: row for row in sorted(predictions, key=lambda row: row.arrived_at)}
    return [Labelled(newest[sale.listing_id], sale) for sale in sales if sale.listing_id in newest]
