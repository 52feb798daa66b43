"""The long run, `make chaos`: events through every kind of fault, and the planted defects.

Act "function": the score function and its event source mapping. Act "clients": consume, publish and redrive.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.chaos import phase
from tests.chaos.clients import defects as client_defects
from tests.chaos.clients import phase as client_phase
from tests.chaos.clients.storms import STORMS as CLIENT_STORMS
from tests.chaos.defects import DEFECTS, Outcome, catch_all
from tests.chaos.phase import Result
from tests.chaos.storms import STORMS

TALK = Console(stderr=True)
MIXED_SHARES = 4  # of the events, "everything at once" gets this many times what a single fault gets
PROCESSES = 2
ACTS = {"function": DEFECTS, "clients": client_defects.DEFECTS}


def main() -> int:
    """Run, print the tables, write the figures.

    0 if every kind of fault struck, nothing was lost, wrong or concealed, and every defect was caught.
    """
    options = _options()
    figures: dict[str, object] = {}
    whole = True
    for act in ACTS if options.act == "both" else (options.act,):
        results = _until_wrong(_results(act, options)) if options.until_wrong else list(_results(act, options))
        outcomes = [] if options.no_defects else list(_outcomes(act, options.seed))
        found = _figures(act, results, outcomes)
        figures |= found if act == "function" else {act: found}
        _print(act, results, outcomes)
        whole &= all(each.injected and not each.verdict.failures for each in results)
        whole &= all(outcome.caught for outcome in outcomes)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(figures, ensure_ascii=False) + "\n")
    return 0 if whole else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--act", choices=[*ACTS, "both"], default="both", help="which to run (default: %(default)s)")
    parser.add_argument("--events", type=int, default=1_000_000, help="of the function's act (default: %(default)s)")
    parser.add_argument(
        "--clients-events", type=int, default=250_000, help="of the clients' act (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=20261124, help="the same seed is the same run")
    parser.add_argument("--out", type=Path, default=Path("build/chaos.json"), help="figures (default: %(default)s)")
    parser.add_argument("--no-defects", action="store_true", help="leave the planted defects out")
    parser.add_argument("--until-wrong", action="store_true", help="stop at the first phase that fails")
    return parser.parse_args()


def _until_wrong(results: Iterator[Result]) -> list[Result]:
    found = []
    for result in results:
        found.append(result)
        if result.verdict.failures:
            break
    return found


def _results(act: str, options: argparse.Namespace) -> Iterator[Result]:
    phases = _function(options.seed, options.events) if act == "function" else _clients(options)
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("fork")) as pool:
        found = pool.map(_run, phases)
        try:
            for results in track(found, f"Faults of the {act}, kind by kind", total=len(phases), console=TALK):
                yield from results
        finally:
            pool.shutdown(cancel_futures=True)  # where it stops at the first that is wrong


class Phase(NamedTuple):
    """One kind of fault (its place among the act's storms), or with None everything at once."""

    act: str
    storm: int | None
    seed: int
    events: int


def _run(each: Phase) -> list[Result]:
    if each.storm is not None:
        storms, of_act = (STORMS, phase) if each.act == "function" else (CLIENT_STORMS, client_phase)
        return [of_act.run_phase(storms[each.storm], each.seed, each.events)]
    if each.act == "function":
        return [phase.run_everything(each.seed, each.events)]
    return client_phase.run_everything(each.seed, each.events)


def _function(seed: int, events: int) -> list[Phase]:
    share = -(-events // (len(STORMS) + MIXED_SHARES))
    kinds = [Phase("function", index, seed + index, share) for index in range(len(STORMS))]
    return [*kinds, Phase("function", None, seed + len(STORMS), events - share * len(STORMS))]


def _clients(options: argparse.Namespace) -> list[Phase]:
    seed, count = options.seed, len(CLIENT_STORMS)
    share = -(-options.clients_events // (count + MIXED_SHARES))
    kinds = [Phase("clients", index, seed + index, share) for index in range(count)]
    return [*kinds, Phase("clients", None, seed + count, share * MIXED_SHARES)]


def _outcomes(act: str, seed: int) -> Iterator[Outcome]:
    planted = ACTS[act]
    yield from track(catch_all(planted, act, seed), "Planted defects", total=len(planted), console=TALK)


def _figures(act: str, results: list[Result], outcomes: list[Outcome]) -> dict[str, object]:
    verdicts = [result.verdict for result in results]
    concealed = {"concealed": sum(each.concealed for each in verdicts)} if act == "clients" else {}
    return {
        "events": sum(each.events for each in verdicts),
        "lost": sum(each.lost for each in verdicts),
        "wrong": sum(each.wrong for each in verdicts),
        **concealed,
        "faults": [
            {"fault": each.fault, "injected": each.injected, "duplicates_removed": each.verdict.duplicates}
            for each in results
        ],
        "planted_defects": {"n": len(outcomes), "caught": sum(outcome.caught for outcome in outcomes)},
    }


def _print(act: str, results: list[Result], outcomes: list[Outcome]) -> None:
    last = "parked" if act == "function" else "concealed"
    repeats = "duplicates removed" if act == "function" else "repeats"
    table = Table("fault", *("injected", "events", "lost", "wrong", last, repeats), title=f"act: {act}")
    for column in table.columns[1:]:
        column.justify = "right"
    for each in results:
        books = each.verdict
        counts = (each.injected, books.events, books.lost, books.wrong, getattr(books, last), books.duplicates)
        table.add_row(each.fault, *(f"{count:,}" for count in counts))
    console = Console(width=120)
    console.print(table)
    for problem in chain.from_iterable(each.verdict.problems[:3] for each in results):
        TALK.print(problem, markup=False)
    if outcomes:
        defects = Table("planted defect", "caught", "by")
        for outcome in outcomes:
            defects.add_row(outcome.defect.name, "yes" if outcome.caught else "NO", outcome.evidence)
        console.print(defects)


if __name__ == "__main__":
    sys.exit(main())
