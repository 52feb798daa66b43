"""The challengers of a retraining before the judge, and his findings in words."""

import msgspec

from training.budget import over_budget
from training.challengers import Challenger, Served
from training.contest import LEVEL, Contest, contest
from training.export import run_onnx
from training.feedback import Sales
from training.params import Judging


def judge(champion: Served, sales: Sales, found: list[Challenger], budget: Judging) -> list[Contest]:
    """Return each challenger's contest on the fresh sales; together they promote by chance with at most `LEVEL`."""
    fresh = sales.fresh
    actual, said = sales.log_price[fresh], run_onnx(champion.model, sales.frame[fresh])
    level, intervals = LEVEL / len(found), [(champion.manifest.interval, each.offsets) for each in found]
    contests = [
        contest(each.name, actual, (said, each.said), offsets, sales.groups[fresh], level)
        for each, offsets in zip(found, intervals, strict=True)
    ]
    return [
        msgspec.structs.replace(each, reasons=each.reasons + over_budget(challenger.model, sales.frame, budget))
        for each, challenger in zip(contests, found, strict=True)
    ]


def told(best: Contest) -> str:
    """Return why a challenger won."""
    return (
        f"{best.challenger}: on the newest {best.sales} sales the median error falls from {best.error_champion:.1%} "
        f"to {best.error_challenger:.1%}, the loss by {best.gain:.0%} (at least {best.gain_low:.0%})"
    )


def against(each: Contest) -> str:
    """Return why a challenger lost."""
    return f"{each.challenger}: {', '.join(each.reasons)}"
