"""What candidates cost to serve, beside a boosting of 350 trees with 24 leaves."""

from statistics import median

import msgspec

from benchmarks.speed.measuring import dataset, ratio, side_by_side
from benchmarks.speed.section import Section
from training.data.groups import split
from training.evaluation.conformal import calibrated, encode_folds
from training.evaluation.figures import point_figures
from training.evaluation.timing import batch_run
from training.model.candidates import CANDIDATES, CHAMPION, boosting, one_thread
from training.model.training_part import prepare, rows_of
from training.params import choose_params

PRICE_ALONE = f"{CHAMPION}, without its expected error"
BATCH = 6_000  # listings, about a full event of Lambda
ROUNDS = 15
LARGE = {"iterations": 350, "leaves": 24, "learning_rate": 0.05, "max_features": 1.0, "min_samples_leaf": 12}


def measure() -> Section:
    """Return what each candidate costs and how well it does, and the champion's cost over the large boosting's."""
    data, params = dataset(), choose_params(quick=True)
    held = split(data.groups, params.seed, params.split.test_share)
    rows = rows_of(data)
    training, test = rows.take(~held), rows.take(held)
    with one_thread():
        part = prepare(training, params, params.seed)
        pricers = {name: candidate(part, params) for name, candidate in CANDIDATES.items()}
        pricers[PRICE_ALONE] = pricers[CHAMPION]
        nobody, folds = rows.take(held & False), encode_folds(training, params, params.seed)
        pricers[CHAMPION] = calibrated(CANDIDATES[CHAMPION], part, nobody, folds, params).pricer  # as it serves
        knobs = msgspec.structs.replace(params.boosting, **LARGE)
        pricers["boosting 350 × 24"] = boosting(part, msgspec.structs.replace(params, boosting=knobs))
    runs = {name: batch_run(pricer.onnx(), test.frame, BATCH) for name, pricer in pricers.items()}
    took = side_by_side(runs, ROUNDS)
    rows = [
        {
            "candidate": name,
            "µs a listing": round(median(took[name]) / BATCH * 1e6, 3),
            "median error on one test part": round(
                point_figures(test.log_price, pricer.predict(test.frame))["median_ape"], 4
            ),
        }
        for name, pricer in pricers.items()
    ]
    found = {"champion_vs_boosting_350x24": ratio(took[CHAMPION], took["boosting 350 × 24"])}
    return Section("Candidates", found, {"what a model costs": sorted(rows, key=lambda row: row["µs a listing"])})
