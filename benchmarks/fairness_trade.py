"""What fairness costs: log prices stretched about their mean, over the ten group splits, with paired differences.

    DATA=listings.csv python -m benchmarks.fairness_trade

Errors draw prices towards the middle, which is regressive; a stretch undoes it, and adds error. The mean is that of
out-of-fold predictions of the training part: nothing is chosen on a test part, all stretches are shown.
"""

import os
from pathlib import Path

import numpy as np

from lambdas.drift.ratio_study import ratio_study
from training.data.groups import split
from training.data.load import load_data
from training.evaluation.conformal import encode_folds, out_of_fold
from training.model.candidates import CANDIDATES, CHAMPION, one_thread
from training.model.training_part import prepare, rows_of
from training.params import choose_params

STRETCHES = (1.0, 1.02, 1.04, 1.06, 1.08, 1.1)
FIGURES = ("median APE", "RMSE", "COD", "PRD", "PRB", "MKI")


def main() -> None:
    """Measure, and print a line for each stretch."""
    params, recipe = choose_params(), CANDIDATES[CHAMPION]
    rows = rows_of(load_data(Path(os.environ["DATA"]) if os.environ.get("DATA") else None))
    found = {stretch: [] for stretch in STRETCHES}
    with one_thread():
        for seed in range(params.seed, params.seed + params.split.splits):
            held = split(rows.groups, seed, params.split.test_share)
            training, test = rows.take(~held), rows.take(held)
            middle = out_of_fold(recipe, training, encode_folds(training, params, seed), params).mean()
            predicted = recipe(prepare(training, params, seed), params).predict(test.frame)
            for stretch in STRETCHES:
                price = np.exp(middle + stretch * (predicted - middle))
                found[stretch].append(_figures(np.exp(test.log_price), price))
    plain = np.array(found[1.0])
    for stretch, each in found.items():
        change = np.array(each) - plain
        error = change.std(axis=0, ddof=1) / np.sqrt(len(change))
        cells = zip(FIGURES, np.mean(each, axis=0), change.mean(axis=0), error, strict=True)
        print(f"{stretch:g}: " + ", ".join(f"{name} {mean:.4g} ({by:+.3g} ± {sd:.2g})" for name, mean, by, sd in cells))


def _figures(actual: np.ndarray, price: np.ndarray) -> tuple[float, ...]:
    study = ratio_study(actual, price)
    errors = (float(np.median(np.abs(price / actual - 1))), float(np.sqrt(np.mean((price - actual) ** 2))))
    return (*errors, study.cod, study.prd, study.prb, study.mki)


if __name__ == "__main__":
    main()
