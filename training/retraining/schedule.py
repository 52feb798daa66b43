"""What the schedule finds to do: an alarm that was lost, a drift that is still open, a champion long unchallenged."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from pricing.learnt_homes import LearntHomes
from pricing.manifest import Pointer
from pricing.market import Market
from training.retraining.records import Record, RetrainingOutcome
from training.retraining.requests import Request
from training.sales_contest.contest import MIN_SALES
from training.sales_contest.sales import contested
from training.sales_contest.sold_homes import Sold

PERIOD = timedelta(days=30)  # between contests that nothing but the schedule asks for
OPEN: frozenset[RetrainingOutcome] = frozenset(
    {"kept", "undecided", "in shadow"}
)  # the last, once there is no challenger


def reign(records: Sequence[Record], champion: Pointer) -> list[Record]:
    """Return what was done since the champion was promoted, the oldest first."""
    return [each for each in records if each.reign_since == champion.promoted_at]


def unrecorded_alarm(alarms: Sequence[Request], records: Sequence[Record], champion: Pointer) -> Request | None:
    """Return the first alarm of the champion's reign that has no record: its request was given up, or never came."""
    done = {each.request.id for each in records}
    return next((each for each in _of_reign(alarms, champion) if each.id not in done), None)


def newest_move(alarms: Sequence[Request], champion: Pointer) -> Request | None:
    """Return the newest alarm of the champion's reign that says since which sale prices are new."""
    return next((each for each in reversed(_of_reign(alarms, champion)) if each.fresh), None)


def _of_reign(alarms: Sequence[Request], champion: Pointer) -> list[Request]:
    since = datetime.fromisoformat(champion.promoted_at)
    mine = [each for each in alarms if (each.champion, each.promoted_at) == (champion.version, since)]
    return sorted(mine, key=lambda each: each.at)


def open_drifts(records: Sequence[Record]) -> list[Record]:
    """Return the newest record of each drift that no challenger has mended; there must be none in shadow."""
    newest = {each.request.drift: each for each in records if each.request.drift}
    return [each for each in newest.values() if each.outcome in OPEN]


def reopened(
    asked: Request,
    drifts: Sequence[Record],
    gathered: list[Sold],
    champion: Pointer,
    market: Market,
    learnt: LearntHomes | None = None,
) -> Request | None:
    """Return the request, to be about an open drift that has sales enough by now; None where none has.

    Enough is twice as many as at its last contest: each contest is a chance to promote by chance.
    """
    for each in drifts:
        drift = each.request
        count = contested(gathered, drift.fresh, champion, market, drift.after, learnt).judged
        if count >= max(MIN_SALES, 2 * each.fresh):
            return msgspec.structs.replace(
                asked, reason=drift.reason, drift=drift.drift, fresh=drift.fresh, after=drift.after, level=drift.level
            )
    return None


def is_due(asked: Request, records: Sequence[Record], champion: Pointer) -> bool:
    """Return whether nobody has challenged the champion for a `PERIOD`."""
    since = [each.finished_at for each in records] + [datetime.fromisoformat(champion.promoted_at)]
    return asked.at - max(since) >= PERIOD
