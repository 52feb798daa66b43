"""What a contest after an alarm makes of few sales: how often it promotes, and by how much the new level is off.

Prices have risen by some percent, and an alarm has rung; the contest is about the sales after it, whose errors have
heavy tails (Student's t with 5 degrees, sd 0.2). The last line is JSON.

python -m benchmarks.after_alarm      (a minute)
"""

import json
import sys

import numpy as np

from pricing.answer.interval import intervals
from pricing.manifest import Offsets
from training.sales_contest import rescale
from training.sales_contest.contest import AFTER_ALARM, contest

RISES, SALES, TRIALS = (0, 5, 10, 15), (32, 64), 400
SPREAD, DEGREES = 0.2, 5
INTERVAL = Offsets(0.9, [], [-0.35], [0.35])


def trials(rise: float, sales: int) -> tuple[float, float, float]:
    """Return the share promoted, and of these the mean and the root mean square by which the level is off (log)."""
    draw = np.random.default_rng(1)
    off = []
    for _ in range(TRIALS):
        errors = np.log1p(rise / 100) + draw.standard_t(DEGREES, sales) * SPREAD / np.sqrt(DEGREES / (DEGREES - 2))
        said, groups = draw.normal(13, 0.5, sales), np.arange(sales).astype(str)
        held_out = rescale.cross_fitted_level(errors, groups, 7)
        found = contest(
            "rescaled",
            said + errors,
            (intervals(said, INTERVAL), intervals(said + held_out, INTERVAL)),
            INTERVAL.coverage,
            groups,
            AFTER_ALARM,
        )
        if found.won:
            off.append(rescale.moved_level(errors) - np.log1p(rise / 100))
    return len(off) / TRIALS, float(np.mean(off)), float(np.sqrt(np.mean(np.square(off))))


def main() -> None:
    rows = []
    for sales in SALES:
        for rise in RISES:
            promoted, mean, rms = trials(rise, sales)
            rows.append({"sales": sales, "rise_percent": rise, "promoted": promoted, "off": mean, "off_rms": rms})
            said = f"{promoted:4.0%} promoted, off by {mean:+.3f}, {rms:.3f} rms"
            print(f"{sales} sales, {rise:2} %: {said}", file=sys.stderr)
    print(json.dumps({"trials": TRIALS, "level": AFTER_ALARM, "rows": rows}))


if __name__ == "__main__":
    main()
