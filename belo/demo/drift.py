"""The feedback loop on a local cloud of its own, with nothing done by hand, telling its story as it goes.

A normal market; a control, in which prices stand still; then the same homes sold for 15 % more. The monitor's alarm
passes over EventBridge and SQS to a worker, whose challenger replaces the champion; the running function swaps.

The story goes to standard error; the last line on standard output is JSON. What happened to each home is left in
build/demo-drift/homes.csv.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from belo.demo.course_plot import Course, draw
from belo.demo.drift_loop import Loop, environment
from belo.demo.market import Market, divide, listings_file
from belo.local_cloud import provision
from pricing.manifest import Manifest
from pricing.model import Model, load
from terminal.display import stderr
from terminal.errors import Failure
from terminal.signals import ended_by_signals
from terminal.stack import Stack
from training.data.listings import read_listings
from training.data.load import load_data
from training.model.candidates import CANDIDATES, CHAMPION, one_thread
from training.model.training_part import Rows, prepare, rows_of
from training.params import choose_params
from training.registry.models_bucket import ModelsBucket
from training.retraining.records import Record

FOLDER = Path("build/demo-drift")
NORMAL, DRIFTED, NEXT = 300, 210, 400  # homes sold in a normal market, at drifted prices, and after the promotion
LOT = 10  # sales between two looks of the monitor
RISE = 1.15
IN_TIME = 120  # sales within which the monitor has to ring
CLOSE = 1.10  # error after the loop closed, over what a model trained on the new prices reaches

Prices = NDArray[np.float64]


def main() -> None:
    """Run the demo; exit code 1 where it fails or the loop did not close."""
    options = argparse.ArgumentParser(prog="python -m belo.demo.drift", description="The feedback loop closes.")
    options.add_argument("--plot", type=Path, help="write the course of it as PNG")
    plot = options.parse_args().plot
    try:
        with ended_by_signals("demo-drift"):
            closed = run(os.environ.get("DATA") or None, plot)
    except Failure as failure:
        failure.exit("demo-drift")
    sys.exit(0 if closed else 1)


def run(data: str | None, plot: Path | None) -> bool:
    """Run the demo on a file of listings, or on the generated sample; return whether the loop closed in time."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix=".run-") as scratch, provision.running() as endpoint:
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{scratch}/mlflow.db"
        folder = Path(scratch).resolve()
        _chapter(1, "A local cloud, and a champion that learns from 70 % of the listings (a minute or two)")
        reference, market = divide(load_data(Path(data) if data else None), folder, NORMAL + DRIFTED + NEXT)
        stack, manifest = provision.with_champion(endpoint, folder / "cloud", reference)
        loop = Loop(stack, market, folder, environment(stack, reference))
        figures, course = _story(loop, manifest, reference)
    course.write(FOLDER / "homes.csv")
    if plot:
        draw(course, figures, plot)
    print(json.dumps(figures))
    return bool(
        figures["rang_after_sales"] <= IN_TIME
        and not figures["control_rang"]
        and figures["champion_after"] != figures["champion_before"]
        and figures["error_after"] < figures["error_if_kept"]
        and figures["error_after"] <= CLOSE * figures["error_reachable"]
    )


def _story(loop: Loop, manifest: Manifest, reference: Path) -> tuple[dict[str, Any], Course]:
    market = loop.market
    stderr.print(f"version {manifest.version}: median error {manifest.metrics['median_ape']:.1%} on asking prices")
    _chapter(2, f"A normal market: {NORMAL + DRIFTED} homes are priced on the stream, {NORMAL} of them sold")
    loop.publish(listings_file(market, 0, NORMAL + DRIFTED, loop.scratch), "the market")
    before = _said(loop, 0, NORMAL + DRIFTED)
    loop.sell(0, NORMAL, 1.0)
    error_before = _error(market.worth[:NORMAL], before[:NORMAL])
    stderr.print(f"median error {error_before:.1%}; the monitor: {_words(loop.look())}")
    _chapter(3, f"The control: {IN_TIME} more homes are sold, at prices that stand still")
    control_rang = bool(_sell_until_it_rings(loop, 1.0))
    _chapter(4, f"The drift: the same homes, sold for {RISE - 1:.0%} more")
    rang_after = _sell_until_it_rings(loop, RISE)
    if not rang_after:
        raise Failure(f"the monitor did not ring within {IN_TIME} sales")
    loop.sell(NORMAL, NORMAL + DRIFTED, RISE)
    error_drifted = _error(market.worth[NORMAL : NORMAL + DRIFTED] * RISE, before[NORMAL:])
    stderr.print(
        f"while the request waits for a worker, sales go on: {DRIFTED} so far, median error {error_drifted:.1%}"
    )
    _chapter(5, "The retraining")
    record = _retrain(loop)
    _chapter(6, f"The next {NEXT} homes")
    first, last = NORMAL + DRIFTED, NORMAL + DRIFTED + NEXT
    loop.publish(listings_file(market, first, last, loop.scratch), "the next homes")
    after = _said(loop, first, last)
    sold = market.worth[first:last] * RISE
    kept = _version(loop.stack, manifest.version).predict(market.features(first, last)).price
    served = {row.model_version for row in loop.predictions(market.ids[first:last]).values()}
    figures = {
        "rang_after_sales": rang_after,
        "control_rang": control_rang,
        "error_before": round(error_before, 4),
        "error_drifted": round(error_drifted, 4),
        "error_after": round(_error(sold, after), 4),
        "error_reachable": round(_error(sold, _reachable(reference, market, first, last)), 4),
        "error_if_kept": round(_error(sold, kept), 4),
        "off_before": _off(market.worth[:NORMAL], before[:NORMAL]),
        "off_drifted": _off(market.worth[NORMAL : NORMAL + DRIFTED] * RISE, before[NORMAL:]),
        "off_after": _off(sold, after),
        "champion_before": record.champion_before,
        "champion_after": max(served, key=int),
    }
    stderr.print(
        f"priced by version {', '.join(sorted(served))}: median error {figures['error_after']:.1%}; version "
        f"{manifest.version} would have had {figures['error_if_kept']:.1%}; a model trained on the new prices "
        f"reaches {figures['error_reachable']:.1%}"
    )
    prices = np.concatenate([market.worth[:NORMAL], market.worth[NORMAL:last] * RISE])
    course = Course(np.concatenate([before, after]), prices, NORMAL, NORMAL + rang_after, NORMAL + DRIFTED)
    return figures, course


def _sell_until_it_rings(loop: Loop, rise: float) -> int:
    """Sell lot by lot, the monitor looking after each; return after how many sales it rang, 0 for not at all."""
    for sold in range(LOT, IN_TIME + 1, LOT):
        loop.sell(NORMAL + sold - LOT, NORMAL + sold, rise)
        found = loop.look()
        stderr.print(f"{sold:3} sales: {_words(found)}")
        if "performance" in found["drifted"]:
            return sold
    return 0


def _retrain(loop: Loop) -> Record:
    loop.requested()
    stderr.print("the alarm went over EventBridge to the queue; a worker takes it up")
    loop.belo("train-worker", "--once")
    record = loop.history()[-1]
    if record.outcome != "promoted":
        raise Failure(f"nothing was promoted: {record.outcome}, {record.why}")
    return record


def _said(loop: Loop, first: int, last: int) -> Prices:
    ids = loop.market.ids[first:last]
    found = loop.predictions(ids)
    return np.array([found[each].predicted_price for each in ids])


def _reachable(reference: Path, market: Market, first: int, last: int) -> Prices:
    """Return prices by the champion's recipe, trained on the reference file at the new prices."""
    rows, params = rows_of(read_listings(reference)), choose_params()
    shift = float(np.log(market.worth[first:last] * RISE / market.asking[first:last]).mean())
    at_new_prices = Rows(rows.frame, rows.log_price + shift, rows.groups)
    with one_thread():
        pricer = CANDIDATES[CHAMPION](prepare(at_new_prices, params, params.seed), params)
        return np.exp(pricer.predict(market.frame.iloc[first:last]))


def _version(stack: Stack, version: str) -> Model:
    """Return a version as it stands in the models bucket."""
    return load(*ModelsBucket(stack.client("s3"), stack.models_bucket).get_version(version))


def _error(sold: Prices, predicted: Prices) -> float:
    return float(np.median(np.abs(predicted / sold - 1)))


def _off(sold: Prices, predicted: Prices) -> float:
    """Return by what homes went for more than was said, as a fraction: the median."""
    return round(float(np.median(sold / predicted - 1)), 4)


def _words(found: dict[str, Any]) -> str:
    return f"alarm ({', '.join(found['drifted'])})" if found["drifted"] else "no alarm"


def _chapter(number: int, title: str) -> None:
    stderr.print(f"\n[bold]{number}. {title}[/]")


if __name__ == "__main__":
    main()
