"""What scoring costs: every candidate beside a boosting of 350 trees with 24 leaves, in one run.

Writes build/bench.json, always; what this benchmark does not measure is null there.
"""

import json
import os
import platform
import sys
from pathlib import Path
from statistics import median

import msgspec
from rich.console import Console
from rich.table import Table

from training.data.groups import split
from training.data.load import load_data
from training.evaluation.conformal import calibrated, encode_folds
from training.evaluation.figures import point_figures
from training.evaluation.timing import batch_run, cpu_seconds
from training.model.candidates import CANDIDATES, CHAMPION, boosting, one_thread
from training.model.training_part import prepare, rows_of
from training.params import choose_params

OUT = Path("build/bench.json")
PRICE_ALONE = f"{CHAMPION}, without its expected error"
BATCH = 6_000  # listings, about a full event of Lambda
ROUNDS = 15
LARGE = {"iterations": 350, "leaves": 24, "learning_rate": 0.05, "max_features": 1.0, "min_samples_leaf": 12}
NOT_MEASURED = (
    "scoring_vs_seed_style",
    "scoring_vs_course_reference",
    "put_vs_course_reference",
    "scoring_vs_floor",
    "cold_start_vs_mlflow",
    "put_vs_prebuilt",
    "publish_cpu_vs_bare_boto3",
    "consume_cpu_vs_bare_boto3",
    "drain_vs_echo_lambda",
)


def main() -> None:
    """Measure, write the figures, print the table; where nothing can be measured, write nulls and the reason."""
    try:
        rows, ratio = measure()
    except Exception as error:  # noqa: BLE001 - whatever it was, programs find the file
        why = f"{type(error).__name__}: {error}"
        write([], None, {"error": why})
        print(f"nothing was measured: {why}", file=sys.stderr)
    else:
        write(rows, ratio, {})
        show(rows, ratio)


def measure() -> tuple[list[dict], float]:
    """Return each model's figures, and what the champion costs over the large boosting."""
    data, params = load_data(Path(os.environ["DATA"]) if os.environ.get("DATA") else None), choose_params(quick=True)
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
    took = side_by_side({name: pricer.onnx() for name, pricer in pricers.items()}, test.frame)
    figures = [
        {
            "candidate": name,
            "microseconds": round(median(took[name]), 3),
            "median_ape": round(point_figures(test.log_price, pricer.predict(test.frame))["median_ape"], 4),
        }
        for name, pricer in pricers.items()
    ]
    ratio = median(ours / theirs for ours, theirs in zip(took[CHAMPION], took["boosting 350 × 24"], strict=True))
    return figures, round(ratio, 3)


def write(rows: list[dict], ratio: float | None, more: dict[str, str]) -> None:
    ratios = dict.fromkeys(NOT_MEASURED) | {"champion_vs_boosting_350x24": ratio}
    document = {"machine": platform.machine(), "ratios": ratios, "rows": rows} | more
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(document, indent=1) + "\n")


def side_by_side(models: dict[str, bytes], frame) -> dict[str, list[float]]:
    """Return microseconds a listing of each model, round by round, each round running all of them once."""
    runs = {name: batch_run(model, frame, BATCH) for name, model in models.items()}
    took: dict[str, list[float]] = {name: [] for name in models}
    for turn in range(ROUNDS + 1):
        for name, run in runs.items():
            seconds = cpu_seconds(run)
            if turn:  # the first round warms up
                took[name].append(seconds / BATCH * 1e6)
    return took


def show(rows: list[dict], ratio: float) -> None:
    table = Table("candidate", "µs a listing", "median error on one test part")
    for row in sorted(rows, key=lambda each: each["microseconds"]):
        table.add_row(row["candidate"], f"{row['microseconds']:.2f}", f"{row['median_ape']:.1%}")
    Console().print(table)
    print(f"the champion costs {ratio:.2f} of the boosting of 350 × 24; figures in {OUT}", file=sys.stderr)


if __name__ == "__main__":
    main()
