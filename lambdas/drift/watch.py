"""One look at the champion: what came in, what was sold, and the verdict.

It reads, and changes nothing but that the archive's index of closed days may grow (`lambdas.archive_bucket.day_index`).

Sales are all those first reported since the promotion, with what this champion had said of the homes since then.
Nothing slides out at the old end: every look sees the path that the looks before it saw, with more at its end.

False alarms: all comparisons together, at all looks, ring with `FAMILY` in a market that stands still, for as long as
`price_drift.HORIZON` sales. `PERFORMANCE` of it is for sale prices. `LISTINGS` is for the listings: they are looked at
anew every `every`, over windows that overlap, and look number i since the promotion spends LISTINGS / (i (i + 1)),
which adds up to LISTINGS however long the champion serves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from lambdas.archive_bucket.day_index import NEVER
from lambdas.archive_bucket.prediction_rows import ArchivedPrediction
from lambdas.archive_bucket.reader import Archive, Labelled, label
from lambdas.archive_bucket.sales import FreshFrom
from lambdas.archive_bucket.sample import Sample
from lambdas.drift import dead_letter_count
from lambdas.drift.figures import Figures, figures
from lambdas.drift.listing_drift import DistributionCheck, compare_window
from lambdas.drift.price_drift import HORIZON, Sales, Shift, find_shift
from lambdas.drift.watched_champion import WatchedChampion, watched_champion

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

WINDOW, EVERY = timedelta(days=7), timedelta(hours=1)
FAMILY, PERFORMANCE, LISTINGS = 0.03, 0.025, 0.005
SAMPLE = 50_000  # predictions of a window that are looked at, at most: some 70 MB


class Window(Struct, frozen=True, kw_only=True):
    """What arrived in [since, until) under the champion; large counts are estimated from samples."""

    since: datetime
    until: datetime
    predictions: int
    dead_letters: int
    parked_batches: int  # that Lambda gave up on, and that nobody has redriven


class DriftVerdict(Struct, frozen=True, kw_only=True):
    """What a look found; `drifted` names what rang: "performance", "listings"."""

    at: datetime
    champion: str
    promoted_at: datetime
    drifted: list[str]
    window: Window
    look: int  # since the promotion
    false_alarms: dict[str, float]
    performance: Shift
    fresh: FreshFrom | None  # the first sale of the segment that rang, if one did
    figures: list[Figures]
    listings: list[DistributionCheck]
    unreadable_sales: int


@dataclass(frozen=True, slots=True)
class Look:
    """A verdict and what it was made from.

    Of `predictions` there are at most `SAMPLE`; `labelled` are the champion's alone, oldest report first.
    """

    verdict: DriftVerdict
    champion: WatchedChampion
    predictions: Sequence[ArchivedPrediction]
    labelled: Sequence[Labelled]


@dataclass(frozen=True, slots=True)
class Watch:
    """What is looked at, and how often: a window of listings, and all sales of the reign."""

    models_bucket: str
    dead_letters_bucket: str
    archive_bucket: str
    window: timedelta = WINDOW
    every: timedelta = EVERY

    def look(self, s3: "S3Client", now: datetime, deadline: datetime = NEVER) -> Look:
        """Return what there is to be seen at `now`; the same archive and the same time give the same verdict.

        Raises `ContractMismatch` and botocore's `ClientError` where there is no champion to hold it against, and
        `IndexBehind` where old days could not be indexed before the deadline.
        """
        champion = watched_champion(s3, self.models_bucket)
        archive = Archive(s3, self.archive_bucket, deadline=deadline)
        recent = Sample(max(champion.promoted_at, now - self.window), SAMPLE)
        sales = [sale for sale in archive.sales() if champion.promoted_at <= sale.reported_at < now]
        rows = archive.of_listings(
            (sale.listing_id for sale in sales),
            champion.promoted_at,
            now,
            lambda row: row.model_version == champion.version,
            recent,
        )
        labelled = label(rows, sales)
        window = Window(
            since=recent.since,
            until=now,
            predictions=recent.offered,
            dead_letters=dead_letter_count.count(s3, self.dead_letters_bucket, recent.since, now),
            parked_batches=dead_letter_count.parked(s3, self.dead_letters_bucket, recent.since, now),
        )
        verdict = self._verdict(champion, window, recent, labelled, archive.unreadable)
        return Look(verdict, champion, recent.rows, labelled)

    def _verdict(
        self,
        champion: WatchedChampion,
        window: Window,
        recent: Sample,
        labelled: list[Labelled],
        unreadable_sales: int,
    ) -> DriftVerdict:
        number = 1 + max(0, (window.until - champion.promoted_at) // self.every)
        alpha = LISTINGS / (number * (number + 1))
        performance = find_shift(Sales.of(labelled), champion.reference.offset.mean, PERFORMANCE)
        listings = compare_window(recent.rows, round(window.dead_letters * recent.share), champion.reference, alpha)
        rang = {"performance": performance.rang, "listings": any(each.rang for each in listings)}
        return DriftVerdict(
            at=window.until,
            champion=champion.version,
            promoted_at=champion.promoted_at,
            drifted=[kind for kind, value in rang.items() if value],
            window=window,
            look=number,
            false_alarms={
                "family": FAMILY,
                "performance": PERFORMANCE,
                "listings": LISTINGS,
                "sales": HORIZON,
            },
            performance=performance,
            fresh=_fresh(performance, labelled),
            figures=figures(labelled, champion.price_edges),
            listings=listings,
            unreadable_sales=unreadable_sales,
        )


def _fresh(shift: Shift, labelled: Sequence[Labelled]) -> FreshFrom | None:
    if shift.rang_after_sales is None or shift.segment is None:
        return None
    sale = labelled[shift.rang_after_sales - shift.segment].sale
    return FreshFrom(sale.listing_id, sale.reported_at)
