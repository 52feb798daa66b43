"""The judge of a retraining: whether a challenger is better than the champion on the newest sales.

Both are measured by the Huber loss of log(actual / predicted): squared up to `OUTLIER`, linear beyond, so that one odd
sale decides nothing, and a level that is wrong by 15 % is seen with some 60 sales (the RMSE in money, which the dearest
homes decide, needs 500). Sales are resampled by group of listings, champion and challenger together (paired bootstrap).
"""

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from lambdas.drift import exact_tests as exact
from lambdas.drift.error_drift import TOLERANCE
from pricing.answer.interval import Predicted
from training.arrays import Log
from training.evaluation.bootstrap import bootstrap_means
from training.evaluation.timing import over_budget
from training.params import Judging
from training.sales_contest.challengers import Challenger, Served
from training.sales_contest.sales import Sales

LEVEL = 0.05  # chance of a promotion where challengers are no better, over all challengers of a contest
AFTER_ALARM = 0.2  # the same where an alarm rang, and sales that had no part in it are judged by: it is rarely false
A_YEAR = 12  # contests that nothing but the schedule or a person asks for share `LEVEL`: a year of monthly ones
OUTLIER = 0.3  # of a log price
MIN_SALES = 30  # fewer decide nothing
MIN_SLICE = 15
WORSE = 0.01  # of the champion's loss: what mended intervals may cost


class Contest(Struct, frozen=True, kw_only=True):
    """A challenger against the champion on so many sales.

    `gain` is the mean of the champion's loss less the challenger's, as a fraction of the champion's; `gain_low` its
    lower bound at 1 - `level`. Errors are median APE, fractions. `reasons` say what speaks against the challenger.
    `mends_intervals` where it is not better on prices, nor worse, but keeps a promise that the champion breaks.
    """

    challenger: str
    sales: int
    level: float
    gain: float
    gain_low: float
    error_champion: float
    error_challenger: float
    coverage_champion: float
    coverage_challenger: float
    reasons: list[str]
    mends_intervals: bool = False

    @property
    def won(self) -> bool:
        """Return whether the challenger may be promoted."""
        return not self.reasons


def contest(
    challenger: str,
    actual: Log,
    predicted: tuple[Predicted, Predicted],
    coverage: float,
    groups: NDArray[np.str_],
    level: float = LEVEL,
    *,
    mending: bool = False,
) -> Contest:
    """Judge: log prices `actual` of shape (N,), what champion and challenger `predicted`, each with intervals.

    `coverage` is what the challenger's intervals promise.
    Where an alarm was about errors, `mending`, intervals that keep their promise win against such as do not.
    """
    losses = [huber(actual - each.log_price) for each in predicted]
    gains = (losses[0] - losses[1]) / max(float(losses[0].mean()), 1e-12)
    draws = bootstrap_means(gains, groups)
    gain_low = float(np.quantile(draws, level))
    covered = [each.holds(actual) for each in predicted]
    mends = mending and gain_low <= 0 and gains.mean() > -WORSE and _mends(covered[0], covered[1], coverage, level)
    doubt = [f"not better beyond doubt: gain {gains.mean():+.1%}, at least {gain_low:+.1%}"]
    errors = [_median_ape(actual, each.log_price) for each in predicted]
    reasons = [] if gain_low > 0 or mends else doubt
    reasons += _slices(predicted[0].log_price, gains, groups)
    reasons += _coverage(covered[0], covered[1], coverage)
    return Contest(
        challenger=challenger,
        sales=len(actual),
        level=level,
        gain=float(gains.mean()),
        gain_low=gain_low,
        error_champion=errors[0],
        error_challenger=errors[1],
        coverage_champion=float(covered[0].mean()),
        coverage_challenger=float(covered[1].mean()),
        reasons=reasons,
        mends_intervals=bool(mends),
    )


def huber(error: Log) -> Log:
    """Return the loss of each log error."""
    size = np.abs(error)
    loss: Log = np.where(size <= OUTLIER, size**2, OUTLIER * (2 * size - OUTLIER))
    return loss


def _slices(predicted: Log, gains: Log, groups: NDArray[np.str_]) -> list[str]:
    """Return the thirds, by the champion's price, on which the challenger is worse beyond doubt.

    Not by the actual price: the cheapest homes are those that were sold below their worth, and whatever raises all
    prices is worse on them.
    """
    third = np.searchsorted(np.quantile(predicted, [1 / 3, 2 / 3]), predicted)
    reasons = []
    for each, name in enumerate(("cheapest", "middle", "dearest")):
        here = third == each
        if here.sum() >= MIN_SLICE and np.quantile(bootstrap_means(gains[here], groups[here]), 1 - LEVEL / 3) < 0:
            reasons.append(f"worse on the {name} third")
    return reasons


def _coverage(champion: NDArray[np.bool_], challenger: NDArray[np.bool_], stated: float) -> list[str]:
    count = int(challenger.sum())
    _, high = exact.bounds(count, len(challenger))
    if high >= stated or count >= champion.sum():
        return []
    return [f"its {stated:.0%} intervals hold {count} of {len(challenger)} sales"]


def _mends(champion: NDArray[np.bool_], challenger: NDArray[np.bool_], stated: float, level: float) -> bool:
    """Return whether the champion's intervals break their promise beyond doubt, and the challenger's keep it."""
    sales, outside = len(champion), len(champion) - int(champion.sum())
    broken = exact.at_least(outside, sales, 1 - stated + TOLERANCE) <= level
    return broken and abs(float(challenger.mean()) - stated) <= TOLERANCE


def _median_ape(actual: Log, predicted: Log) -> float:
    return float(np.median(np.abs(np.expm1(predicted - actual))))


def unasked_level(spent: float) -> float:
    """Return the level of a contest that no alarm asked for, `spent` being those of such contests within a year.

    However often somebody asks, a year of contests promotes by chance with `LEVEL` at most.
    """
    return min(LEVEL / A_YEAR, (LEVEL - spent) / 2)


def hold_contests(
    champion: Served,
    sales: Sales,
    found: list[Challenger],
    budget: Judging,
    level: float = LEVEL,
    *,
    mending: bool = False,
) -> list[Contest]:
    """Return each challenger's contest on the fresh sales; together they promote by chance with at most `level`."""
    fresh = sales.fresh
    actual, predicted = sales.log_price[fresh], champion.predicted(sales.frame[fresh])
    each_level = level / len(found)
    contests = [
        contest(
            each.name,
            actual,
            (predicted, each.predicted),
            each.offsets.coverage,
            sales.groups[fresh],
            each_level,
            mending=mending,
        )
        for each in found
    ]
    return [
        msgspec.structs.replace(each, reasons=each.reasons + over_budget(challenger.model, sales.frame, budget))
        for each, challenger in zip(contests, found, strict=True)
    ]


def why_it_won(best: Contest) -> str:
    """Return why a challenger won."""
    if best.mends_intervals:
        return (
            f"{best.challenger}: on the newest {best.sales} sales its intervals hold {best.coverage_challenger:.0%} "
            f"instead of {best.coverage_champion:.0%}, at prices that are no worse (loss {-best.gain:+.1%})"
        )
    return (
        f"{best.challenger}: on the newest {best.sales} sales the median error falls from {best.error_champion:.1%} "
        f"to {best.error_challenger:.1%}, the loss by {best.gain:.0%} (at least {best.gain_low:.0%})"
    )


def why_it_lost(each: Contest) -> str:
    """Return why a challenger lost."""
    return f"{each.challenger}: {', '.join(each.reasons)}"
