"""One look at the champion: what came in, what was sold, and the verdict.

It reads, and changes nothing but that the archive's index of closed days may grow (`lambdas.archive_bucket.day_index`).

Sales are all those first reported since the promotion, with what this champion says of the homes: where another one had
priced them, they are priced again. Nothing slides out at the old end: every look sees the path that the looks before it
saw, with more at its end. What takes no part is counted: sales set apart, withdrawn, of homes that nobody priced.

False alarms: all comparisons together, at all looks, ring with `FAMILY` in a market that stands still, for as long as
`price_drift.HORIZON` sales. `PERFORMANCE` of it is for sale prices: `LEVELS` for prices as a whole, `ERRORS` for
coverage, spread and places. `LISTINGS` is for the listings: they are looked at
anew every `every`, over windows that overlap, and look number i since the promotion spends LISTINGS / (i (i + 1)),
which adds up to LISTINGS however long the champion serves.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from lambdas.archive_bucket import credibility
from lambdas.archive_bucket.day_index import NEVER
from lambdas.archive_bucket.prediction_rows import ArchivedPrediction, features
from lambdas.archive_bucket.reader import LISTED, Archive, Labelled, label
from lambdas.archive_bucket.sales import FreshFrom
from lambdas.archive_bucket.sample import Sample
from lambdas.drift import dead_letter_count
from lambdas.drift.error_drift import ErrorCheck, Errors, check_errors
from lambdas.drift.figures import NEWEST, Figures, figures
from lambdas.drift.listing_drift import DistributionCheck, compare_window
from lambdas.drift.loss_estimate import LossEstimate, estimate
from lambdas.drift.price_drift import HORIZON, Log, Sales, Shift, find_shift
from lambdas.drift.priced_again import priced_again
from lambdas.drift.ratio_study import RatioStudy, ratio_study
from lambdas.drift.watched_champion import WatchedChampion, serving_model, watched_champion
from pricing.answer.warnings import WARNINGS
from pricing.learnt_homes import has_learnt

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

WINDOW, EVERY = timedelta(days=7), timedelta(hours=1)
FAMILY, PERFORMANCE, LISTINGS = 0.03, 0.025, 0.005
LEVELS, ERRORS = 0.019, (0.002, 0.002, 0.002)  # of coverage, spread and places
NAMED = 20  # sales set apart that a verdict lists
FEWEST_SALES = 30  # that a ratio study is made of
SAMPLE = 50_000  # predictions of a window that are looked at, at most: some 70 MB


class Window(Struct, frozen=True, kw_only=True):
    """What arrived in [since, until) under the champion; large counts are estimated from samples."""

    since: datetime
    until: datetime
    predictions: int
    dead_letters: int
    parked_batches: int  # that Lambda gave up on, and that nobody has redriven


class Picked(Struct, frozen=True):
    """The first and the last sale of a segment that rang: it was picked for being extreme."""

    fresh: FreshFrom
    after: FreshFrom


class SalesSeen(Struct, frozen=True, kw_only=True):
    """What became of the sales reported so far.

    `before_reign` were reported before the promotion. Of those since, `compared` are held against predictions,
    `priced_again` of them because another champion had priced the home; `learnt` of them are of homes in the champion's
    training part, None where nobody knows which these are. Not compared are `unmatched`, of homes that nobody priced
    before, `unpriced`, which the champion cannot price, and `set_apart`, which are not credible. `withdrawn` count for
    nothing.
    """

    before_reign: int
    compared: int
    priced_again: int
    learnt: int | None
    unmatched: int
    unpriced: int
    set_apart: int
    withdrawn: int


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
    errors: list[ErrorCheck]
    level_rang_by: Picked | None
    errors_rang_by: Picked | None
    figures: list[Figures]  # of homes that the champion has not learnt
    figures_learnt: list[Figures]
    sales: SalesSeen
    set_apart: list[credibility.SetApart]  # the newest `NAMED`
    listings: list[DistributionCheck]
    unreadable_sales: int
    ratios: RatioStudy | None  # of the newest sales of homes that the champion has not learnt; None for few
    loss: LossEstimate | None  # None for a champion that does not say how large its errors will be
    warned: float  # share of the window's predictions that carry a warning
    warnings: dict[str, float]  # shares by kind


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
        recent = Sample(
            max(champion.promoted_at, now - self.window), SAMPLE, lambda row: row.model_version == champion.version
        )
        reported = [sale for sale in archive.sales() if sale.reported_at < now]
        sales = [sale for sale in reported if sale.reported_at >= champion.promoted_at]
        listings, since = (sale.listing_id for sale in sales), champion.promoted_at - LISTED if sales else recent.since
        found = label(archive.of_listings(listings, since, now, sample=recent), sales)
        priced, unpriced = priced_again(
            found, champion.version, lambda: serving_model(s3, self.models_bucket, champion.version)
        )
        labelled, apart = credibility.divide(priced, champion.manifest.market)
        learnt = [has_learnt(champion.learnt, features(each.prediction)) for each in labelled]
        seen = SalesSeen(
            before_reign=len(reported) - len(sales),
            compared=len(labelled),
            priced_again=len(priced) - sum(each.prediction.model_version == champion.version for each in found),
            learnt=None if champion.learnt is None else sum(learnt),
            unmatched=len(sales) - len(found),
            unpriced=unpriced,
            set_apart=len(apart),
            withdrawn=archive.withdrawn,
        )
        window = Window(
            since=recent.since,
            until=now,
            predictions=recent.offered,
            dead_letters=dead_letter_count.count(s3, self.dead_letters_bucket, recent.since, now),
            parked_batches=dead_letter_count.parked(s3, self.dead_letters_bucket, recent.since, now),
        )
        verdict = self._verdict(champion, window, recent, labelled, learnt, seen, apart, archive.unreadable)
        return Look(verdict, champion, recent.rows, labelled)

    def _verdict(
        self,
        champion: WatchedChampion,
        window: Window,
        recent: Sample,
        labelled: list[Labelled],
        learnt: list[bool],
        seen: SalesSeen,
        apart: list[credibility.SetApart],
        unreadable_sales: int,
    ) -> DriftVerdict:
        number = 1 + max(0, (window.until - champion.promoted_at) // self.every)
        alpha = LISTINGS / (number * (number + 1))
        new = [each for each, known in zip(labelled, learnt, strict=True) if not known]
        key = champion.manifest.neighborhood_key
        performance = find_shift(Sales.of(labelled), champion.reference.offset.mean, LEVELS)
        errors = check_errors(Errors.of(new, key).around(_moves(performance, learnt)), ERRORS)
        level, error = _of_level(performance, labelled), _of_errors(errors, new)
        listings = compare_window(
            recent.rows,
            round(window.dead_letters * recent.share),
            champion.reference,
            alpha,
            champion.manifest.neighborhood_key,
        )
        rang = {
            "performance": performance.rang or any(each.rang for each in errors),
            "listings": any(each.rang for each in listings),
        }
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
                "levels": LEVELS,
                "listings": LISTINGS,
                "sales": HORIZON,
            },
            performance=performance,
            errors=errors,
            level_rang_by=level,
            errors_rang_by=error,
            figures=figures(new, champion.price_edges),
            figures_learnt=figures([each for each, known in zip(labelled, learnt, strict=True) if known], []),
            sales=seen,
            set_apart=apart[-NAMED:],
            listings=listings,
            unreadable_sales=unreadable_sales,
            ratios=_ratios(new[-NEWEST:]),
            loss=estimate(recent.rows, new[-NEWEST:], champion.manifest, champion.reference.expected_error),
            warned=_share(bool(row.warnings) for row in recent.rows),
            warnings={name: _share(name in row.warnings for row in recent.rows) for name in WARNINGS},
        )


def _ratios(new: Sequence[Labelled]) -> RatioStudy | None:
    if len(new) < FEWEST_SALES:
        return None
    prices = [(each.sale.sale_price, each.prediction.predicted_price) for each in new]
    return ratio_study(*np.array(prices).T)


def _share(found: Iterable[bool]) -> float:
    every = list(found)
    return sum(every) / len(every) if every else 0.0


def _moves(shift: Shift, learnt: Sequence[bool]) -> Log:
    """Return by how much the level had moved at each sale of a new home, as far as an alarm says."""
    moved = np.zeros(len(learnt))
    if shift.rang_after_sales and shift.segment and shift.now is not None and shift.before is not None:
        moved[shift.rang_after_sales - shift.segment :] = shift.now - shift.before
    return moved[~np.array(learnt, dtype=np.bool_)]


def _of_level(shift: Shift, labelled: Sequence[Labelled]) -> Picked | None:
    if shift.rang_after_sales is None or shift.segment is None:
        return None
    return _ends(labelled, shift.rang_after_sales, shift.segment)


def _of_errors(errors: Sequence[ErrorCheck], new: Sequence[Labelled]) -> Picked | None:
    rang = [each for each in errors if each.rang]
    first = min(rang, key=lambda each: each.at, default=None)
    return _ends(new, first.at, first.segment) if first else None


def _ends(sales: Sequence[Labelled], at: int, segment: int) -> Picked:
    """Return the ends of the segment that ends with number `at`."""
    first, last = sales[at - segment].sale, sales[at - 1].sale
    return Picked(FreshFrom(first.listing_id, first.reported_at), FreshFrom(last.listing_id, last.reported_at))
