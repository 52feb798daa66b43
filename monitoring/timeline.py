"""What happened so far: sales under every champion, promotions and alarms, out of the archive."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from lambdas.archive_bucket.reader import Archive, Labelled, label
from lambdas.aws.objects import Objects
from lambdas.drift.events import ALARMS
from lambdas.drift.price_drift import Sales
from lambdas.drift.watch import Look, Watch

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SHOWN = timedelta(days=90)  # at least; more where the champion serves for longer


class Alarm(Struct, frozen=True):
    """What was announced as drifted."""

    at: datetime
    kind: str
    champion: str
    summary: str


class Promotion(Struct, frozen=True):
    """A champion, and the first of the sales (counted from 0) whose home it had priced."""

    champion: str
    sale: int


@dataclass(frozen=True, slots=True)
class History:
    """Sales with the newest prediction before each, whichever champion made it, oldest report first."""

    labelled: Sequence[Labelled]
    alarms: Sequence[Alarm]

    @classmethod
    def read(cls, look: Look, watch: Watch, s3: "S3Client") -> "History":
        """Return what the archive knows of the champion's reign, and of the last `SHOWN`."""
        now = look.verdict.at
        began = min(look.champion.promoted_at, now - SHOWN)
        archive = Archive(s3, watch.archive_bucket)
        sales = [sale for sale in archive.sales() if began <= sale.reported_at < now]
        rows = archive.of_listings((sale.listing_id for sale in sales), began, now)
        return cls(label(rows, sales), [each for each in _alarms(s3, watch.archive_bucket) if each.at >= began])

    def promotions(self) -> list[Promotion]:
        """Return where the sales pass from one champion to another."""
        versions = [each.prediction.model_version for each in self.labelled]
        return [Promotion(new, place) for place, (old, new) in enumerate(pairwise(versions), start=1) if new != old]

    def sale_at(self, moment: datetime) -> int:
        """Return how many sales had been reported by then."""
        return sum(each.sale.reported_at <= moment for each in self.labelled)

    def course(self, over: int = 30) -> list[tuple[int, float]]:
        """Return the robust mean of log(actual / predicted) over the newest sales, at each sale from the tenth on."""
        sales = Sales.of(self.labelled)
        return [(n, sales.level(max(0, n - over), n)) for n in range(10, len(self.labelled) + 1)]


def _alarms(s3: "S3Client", bucket: str) -> list[Alarm]:
    objects = Objects(s3, bucket)
    found = objects.read(objects.keys(f"{ALARMS}/"), lambda each: msgspec.json.decode(each.body, type=Alarm))
    return sorted(found, key=lambda alarm: alarm.at)
