"""The long run, `make chaos`: a million events through every kind of fault, and the planted defects."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.chaos.defects import DEFECTS, Outcome, catch_all
from tests.chaos.phase import Result, run_everything, run_phase
from tests.chaos.storms import STORMS

TALK = Console(stderr=True)
MIXED_SHARES = 4  # of the events, "everything at once" gets this many times what a single fault gets


def main() -> int:
    """Run, print the table, write the figures.

    0 if every kind of fault struck, nothing was lost or wrong, and every defect was caught.
    """
    options = _options()
    results = []
    for result in _results(options.seed, options.events):
        results.append(result)
        if options.until_wrong and result.verdict.lost + result.verdict.wrong:
            break
    outcomes = [] if options.no_defects else list(_outcomes(options.seed))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(_figures(results, outcomes), ensure_ascii=False) + "\n")
    _print(results, outcomes)
    whole = all(each.injected and each.verdict.lost + each.verdict.wrong == 0 for each in results)
    return 0 if whole and all(outcome.caught for outcome in outcomes) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="in all (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=20261124, help="the same seed is the same run")
    parser.add_argument("--out", type=Path, default=Path("build/chaos.json"), help="figures (default: %(default)s)")
    parser.add_argument("--no-defects", action="store_true", help="leave the planted defects out")
    parser.add_argument("--until-wrong", action="store_true", help="stop at the first phase that fails")
    return parser.parse_args()


def _results(seed: int, events: int) -> Iterator[Result]:
    share = -(-events // (len(STORMS) + MIXED_SHARES))
    for index, storm in enumerate(track(STORMS, "Faults, one kind after another", console=TALK)):
        yield run_phase(storm, seed + index, share)
    yield run_everything(seed + len(STORMS), events - share * len(STORMS))


def _outcomes(seed: int) -> Iterator[Outcome]:
    yield from track(catch_all(seed), "Planted defects", total=len(DEFECTS), console=TALK)


def _figures(results: list[Result], outcomes: list[Outcome]) -> dict[str, object]:
    return {
        "events": sum(result.verdict.events for result in results),
        "lost": sum(result.verdict.lost for result in results),
        "wrong": sum(result.verdict.wrong for result in results),
        "faults": [
            {"fault": each.fault, "injected": each.injected, "duplicates_removed": each.verdict.duplicates}
            for each in results
        ],
        "planted_defects": {"n": len(outcomes), "caught": sum(outcome.caught for outcome in outcomes)},
    }


def _print(results: list[Result], outcomes: list[Outcome]) -> None:
    table = Table("fault", *("injected", "events", "lost", "wrong", "parked", "duplicates removed"))
    for column in table.columns[1:]:
        column.justify = "right"
    for each in results:
        books = each.verdict
        counts = (each.injected, books.events, books.lost, books.wrong, books.parked, books.duplicates)
        table.add_row(each.fault, *(f"{count:,}" for count in counts))
    console = Console(width=120)
    console.print(table)
    for problem in (problem for each in results for problem in each.verdict.problems[:3]):
        TALK.print(problem, markup=False)
    if outcomes:
        defects = Table("planted defect", "caught", "by")
        for outcome in outcomes:
            defects.add_row(outcome.defect.name, "yes" if outcome.caught else "NO", outcome.evidence)
        console.print(defects)


if __name__ == "__main__":
    sys.exit(main())
