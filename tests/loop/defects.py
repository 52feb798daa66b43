"""Planted defects: each fault of the loop put back into a copy, where a market or a test must notice it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.defects import Defect, Outcome, plant

COPIED = ("pricing", "terminal", "lambdas", "listing_files", "markets", "monitoring", "training", "belo", "tests")
FILES = ("pyproject.toml",)
TIME_LIMIT = 300.0  # seconds


@dataclass(frozen=True, slots=True)
class Planted:
    """A defect, and what must fail with it: a market of `tests.loop`, or a test."""

    defect: Defect
    market: str | None = None
    test: str | None = None


def by_market(market: str, name: str, file: str, old: str, new: str) -> Planted:
    """Return a defect that a market shows."""
    return Planted(Defect(name, file, old, new), market=market)


def by_test(test: str, name: str, file: str, old: str, new: str) -> Planted:
    """Return a defect that a test shows."""
    return Planted(Defect(name, file, old, new), test=test)


DEFECTS = [
    by_market(
        "sales reported at 45 %",
        "promote a level that no market moves by",
        "training/retraining/retrain.py",
        'outcome=BY_POLICY[self.policy] if move.credible else "awaiting a person",',
        "outcome=BY_POLICY[self.policy],",
    ),
    by_market(
        "each home submitted five times",
        "count a home as often as it is submitted",
        "lambdas/drift/listing_drift.py",
        "    rows = one_a_listing(rows)\n",
        "",
    ),
    by_market(
        "errors one and a half times as large",
        "let intervals win nothing",
        "training/retraining/retrain.py",
        "mending = request.after is not None and not request.level",
        "mending = False",
    ),
    by_market(
        "prices rise by 15 %",
        "judge nothing after an alarm",
        "training/sales_contest/sales.py",
        "unpicked = place > _first(gathered, after) if after else current",
        "unpicked = place < 0 if after else current",
    ),
    by_test(
        "tests/training/sales_contest/test_sales.py",
        "judge by the sales that rang the alarm",
        "training/sales_contest/sales.py",
        "unpicked = place > _first(gathered, after) if after else current",
        "unpicked = current",
    ),
    by_test(
        "tests/training/sales_contest/test_sales.py",
        "move sales beyond the newest 200 with the ones from before",
        "training/sales_contest/challengers.py",
        "    old = ~sales.current\n",
        "    old = ~sales.fresh\n",
    ),
    by_test(
        "tests/training/sales_contest/test_sales.py",
        "judge by homes that the champion has learnt",
        "training/sales_contest/sales.py",
        "(may & ~known)[inside]",
        "may[inside]",
    ),
    by_test(
        "tests/training/sales_contest/test_contest.py",
        "spend a whole level on every contest",
        "training/sales_contest/contest.py",
        "return min(LEVEL / A_YEAR, (LEVEL - spent) / 2)",
        "return LEVEL",
    ),
    by_test(
        "tests/training/sales_contest/test_rescale.py",
        "take every level for one that is there",
        "training/sales_contest/rescale.py",
        "SURE = 1.5",
        "SURE = 0.0",
    ),
    by_test(
        "tests/training/retraining/test_labels.py",
        "hold every sale for credible",
        "lambdas/archive_bucket/credibility.py",
        "FACTOR = 3.0",
        "FACTOR = 3e9",
    ),
    by_test(
        "tests/lambdas/archive_bucket/test_credibility.py",
        "forget that a sale was withdrawn",
        "lambdas/archive_bucket/reader.py",
        'if decision == "withdrawn" and at <= decided_at:',
        "if False:",
    ),
    by_test(
        "tests/lambdas/test_monitor.py",
        "be blind after a promotion until homes are priced anew",
        "lambdas/drift/priced_again.py",
        "    if not others:\n        return list(labelled), 0\n",
        "    if True:\n        return [e for e in labelled if e.prediction.model_version == version], len(others)\n",
    ),
    by_test(
        "tests/lambdas/test_monitor.py",
        "take errors on learnt homes for errors on new ones",
        "lambdas/drift/watch.py",
        "if not known]",
        "if True]",
    ),
    by_test(
        "tests/lambdas/drift/test_error_drift.py",
        "watch no place",
        "lambdas/drift/error_drift.py",
        "rang=abs(z) >= limit,",
        "rang=False,",
    ),
    by_test(
        "tests/lambdas/drift/test_price_drift.py",
        "be blind after a first alarm",
        "lambdas/drift/price_drift.py",
        "    while shift.rang_after_sales is not None:\n",
        "    while False:\n",
    ),
    by_test(
        "tests/training/data/test_groups.py",
        "know a home by its very area and price only",
        "training/data/groups.py",
        'SameHome(("street", "neighborhood"), NEAR_AREA, SQUARE_METRE, price=None),',
        'SameHome(("street", "neighborhood"), 0.0, 0.0, price=0.0),',
    ),
    by_test(
        "tests/training/data/test_groups.py",
        "keep another part with every file",
        "training/data/groups.py",
        'names = [f"kept|{street}|{place}|{each:.0f}"',
        'names = [f"kept|{street}|{place}|{each:.0f}|{frame.price.sum()}"',
    ),
    by_test(
        "tests/training/promotion/test_judge.py",
        "let a file agree with itself",
        "training/promotion/judge.py",
        "    levels = _levels(predicted, actual, champion.model.manifest.market, knobs) if champion else []\n",
        "    levels: list[Condition] = []\n",
    ),
    by_test(
        "tests/training/promotion/test_judge.py",
        "refuse for the noise of a slice",
        "training/promotion/judge.py",
        "return self.change > self.margin and self.change_low > 0",
        "return self.change > 0",
    ),
    by_test(
        "tests/training/promotion/test_contenders.py",
        "call a home unseen that was learnt at another price",
        "training/promotion/contenders.py",
        "rows.take(~met(rows.frame, learnt_by(champion, registry)))",
        "rows",
    ),
    by_test(
        "tests/training/evaluation/test_conformal.py",
        "ask a model about homes that it has learnt",
        "training/evaluation/conformal.py",
        "folds(dear.groups, params.interval.folds, seed + 1)",
        "folds(dear.groups, params.interval.folds, seed + 2)",
    ),
    by_test(
        "tests/training/model/test_baseline.py",
        "let the baseline explode",
        "training/model/baseline.py",
        ".clip(*limits, axis=1)",
        "",
    ),
]


def catch_all(planted: Sequence[Planted]) -> Iterator[Outcome]:
    """Plant one defect after the other, two at a time; yield whether it was noticed."""
    with ThreadPoolExecutor(2) as pool:
        yield from pool.map(catch, planted)


def catch(planted: Planted) -> Outcome:
    """Plant a defect in a copy, and see whether what must fail there fails."""
    defect = planted.defect
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        if failed := plant(defect, copy, COPIED, FILES):
            return failed
        options = (
            ["-m", "tests.loop", "--market", planted.market, "--seeds", "2", "--no-defects", "--out", "loop.json"]
            if planted.market
            else ["-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", str(planted.test)]
        )
        environment = {**os.environ, "PYTHONPATH": str(copy)}
        done = subprocess.run(
            [sys.executable, *options],
            cwd=copy,
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT,
            check=False,
        )
        broke = [line.strip() for line in done.stdout.splitlines() if "BROKEN" in line or line.startswith("FAILED")]
        return Outcome(defect, bool(done.returncode and broke), broke[0][:150] if broke else done.stderr[-200:])
