"""How often a challenger is promoted that is no better: 200 contests in a market that stands still.

Two challengers meet the champion in each: the champion rescaled by a factor learnt from noise, and another model that
is exactly as good (which of two models priced a home for the champion is drawn by lot). Both as in
`training.sales_contest.contest`, at a nominal 5 % together. The last line is JSON.

python -m benchmarks.chance_promotions      (DATA=file.csv takes listings of yours; about a minute)
"""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np

from pricing.answer.interval import intervals
from training.data.groups import split
from training.data.load import load_data
from training.evaluation.conformal import calibrate
from training.model.candidates import CANDIDATES, one_thread
from training.model.training_part import prepare, rows_of
from training.params import choose_params
from training.sales_contest import rescale
from training.sales_contest.contest import LEVEL, contest

TRIALS, LIMIT = 200, 18
SALES = (40, 80, 160)  # in turn


def two_models(data: Path | None):
    """Return held-out log prices with their groups, and what two models, each trained on one half, predict."""
    params = choose_params()
    rows = rows_of(load_data(data))
    held, half = split(rows.groups, 1, 0.4), split(rows.groups, 2, 0.5)
    test = rows.take(held)
    predicted = []
    for part in (half, ~half):
        pricer = CANDIDATES["boosting"](prepare(rows.take(~held & part), params, params.seed), params)
        predicted.append(pricer.predict(test.frame))
    return test.log_price, test.groups, np.array(predicted), params


def trial(draw, actual, groups, predicted, params, sales):
    """Hold one contest on some homes; return who was promoted."""
    homes = draw.choice(len(actual), sales, replace=False)
    lot = draw.integers(0, 2, len(homes))
    champion, other = predicted[lot, homes], predicted[1 - lot, homes]
    others = np.setdiff1d(np.arange(len(actual)), homes)
    level = float(np.mean(actual[others] - predicted[:, others]))  # a champion's own level is right
    champion, other = champion + level, other + level
    offsets = calibrate(predicted[0, others] + level, actual[others], params)
    errors = actual[homes] - champion
    said = intervals(champion, offsets)
    by = rescale.fit(errors, said, offsets.coverage)
    held_out = rescale.cross_fitted_level(errors, groups[homes], params.seed)
    contests = [
        contest(
            "rescaled",
            actual[homes],
            (said, intervals(champion + held_out, rescale.offsets(offsets, by))),
            offsets.coverage,
            groups[homes],
            LEVEL / 2,
        ),
        contest(
            "as good", actual[homes], (said, intervals(other, offsets)), offsets.coverage, groups[homes], LEVEL / 2
        ),
    ]
    return [each.challenger for each in contests if each.won]


def main() -> None:
    began = time.monotonic()
    data = os.environ.get("DATA")
    with one_thread():
        actual, groups, predicted, params = two_models(Path(data) if data else None)
    draw = np.random.default_rng(4)
    winners = [trial(draw, actual, groups, predicted, params, SALES[n % len(SALES)]) for n in range(TRIALS)]
    by = {name: sum(name in each for each in winners) for name in ("rescaled", "as good")}
    promoted = sum(bool(each) for each in winners)
    print(f"{promoted} of {TRIALS} promoted by chance, at most {LIMIT} allowed; {by}", file=sys.stderr)
    print(
        json.dumps(
            {
                "trials": TRIALS,
                "nominal": LEVEL,
                "promoted": promoted,
                "limit": LIMIT,
                "by_challenger": by,
                "seconds": round(time.monotonic() - began, 1),
            }
        )
    )
    sys.exit(promoted > LIMIT)


if __name__ == "__main__":
    main()
