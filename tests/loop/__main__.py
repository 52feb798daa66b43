"""Prove the loop: simulated years around the real monitor and the real retraining, and defects that must show.

python -m tests.loop                        every market, then the planted defects (`make prove-loop`)
python -m tests.loop --market NAME --no-defects

Prints what became of each market, and what broke a promise; build/loop.json has the figures. Exit code 1 where a
promise was broken or a defect went unnoticed.
"""

import argparse
import contextlib
import io
import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import fmean, median
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.loop.defects import DEFECTS, catch_all
from tests.loop.markets import CHANGE, LAST, SCENARIOS
from tests.loop.years import Course, run

STILL, OTHERS = 20, 4  # markets of a kind, two years each
CHANCE = 0.05  # of the years of a still market may promote by chance
HARM = 0.01  # by which such a promotion may raise the error
CLOSE = 1.10  # error over the least that is possible, where a market counts as repaired
COVERAGE = (0.87, 0.93)  # of new homes, in the last quarter of a year, on average over the markets of a kind
CURVE = (60, 90, 120, 180, 240, 360)  # sales after a change
REPAIRED = 0.75  # of the markets whose prices moved by 15 %, within `ENOUGH` sales
ENOUGH = 240
MOVED_BY_15 = ("prices rise by 15 %", "prices fall by 15 %")
IMPOSSIBLE = ("sales reported in dollars", "sales reported at 45 %", "6 % of sales typed wrongly")
TIMES = ("sales_to_ring", "sales_to_repair", "off_after_promotion", "curve")
COVERED = ("still", *MOVED_BY_15, "errors one and a half times as large", *IMPOSSIBLE)


def main() -> None:
    """Run the markets and the defects, print, and write the figures."""
    options = argparse.ArgumentParser(prog="python -m tests.loop", description="Simulated years around the loop.")
    options.add_argument("--market", choices=[each.name for each in SCENARIOS], help="one kind of market only")
    options.add_argument("--seeds", type=int, help=f"markets of a kind, else {STILL} still ones and {OTHERS} others")
    options.add_argument("--no-defects", action="store_true", help="leave the planted defects out")
    options.add_argument("--out", type=Path, default=Path("build/loop.json"))
    asked = options.parse_args()
    began = time.monotonic()
    rows = [row(courses) for courses in _courses(asked.market, asked.seeds)]
    broken = [f"{each['market']}: {words}" for each in rows for words in each["broken"]]
    say = Console(width=150, highlight=False)
    say.print(_table(rows))
    for each in broken:
        say.print(f"  BROKEN: {each}")
    outcomes = [] if asked.no_defects else list(track(catch_all(DEFECTS), "Planted defects", len(DEFECTS)))
    missed = [each.defect.name for each in outcomes if not each.caught]
    for each in outcomes:
        say.print(f"  {'caught' if each.caught else 'MISSED'}: {each.defect.name} ({each.evidence})")
    figures = {
        "years": sum(each["years"] for each in rows),
        "broken": broken,
        "defects": len(outcomes),
        "missed": missed,
        "seconds": round(time.monotonic() - began),
        "markets": rows,
    }
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps({name: value for name, value in figures.items() if name != "markets"}))
    sys.exit(bool(broken or missed))


def _courses(market: str | None, seeds: int | None) -> Iterator[list[Course]]:
    chosen = [each for each in SCENARIOS if market in (None, each.name)]
    counts = [seeds or (STILL if each.name == "still" else OTHERS) for each in chosen]
    jobs = [(SCENARIOS.index(each), seed) for each, count in zip(chosen, counts, strict=True) for seed in range(count)]
    with ProcessPoolExecutor(os.cpu_count(), initializer=_one_thread) as pool:
        found = list(track(pool.map(_run, jobs), "Simulated years", len(jobs)))
    for count in counts:
        yield [found.pop(0) for _ in range(count)]


def _one_thread() -> None:
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)


def _run(job: tuple[int, int]) -> Course:
    with contextlib.redirect_stdout(io.StringIO()):  # the monitor's metrics
        return run(SCENARIOS[job[0]], seed=1_000 + job[1])


def row(courses: list[Course]) -> dict[str, Any]:
    """Return what became of the markets of a kind; days and sales are counted from the change."""
    (scenario,) = (each for each in SCENARIOS if each.name == courses[0].market)
    found: dict[str, Any] = {
        "market": scenario.name,
        "years": round(len(courses) * LAST / 365, 1),
        "promotions": sum(len(each.promotions) for each in courses),
        "alarms": sum(len(each.alarms) for each in courses),
        "listing_alarms": sum(each.listing_alarms for each in courses),
        "awaiting_a_person": sum(each.awaiting for each in courses),
        "set_apart": sum(each.set_apart for each in courses),
        **(_times(courses) if scenario.changes else dict.fromkeys(TIMES)),
        "error": round(fmean(each.errors[-1][2] for each in courses), 4),
        "least": round(fmean(each.errors[-1][3] for each in courses), 4),
        "coverage": round(fmean(entry[4] for each in courses for entry in each.errors[-13:]), 3),
        "harm": round(max(each.harm for each in courses), 4),
        "prices_moved": round(max(each.moved for each in courses), 3),
    }
    return found | {"broken": list(_broken(found))}


def _times(courses: list[Course]) -> dict[str, Any]:
    """Return after how many sales since the change it rang and was repaired (medians), and the share repaired."""
    rang = [
        alarm[1] - _at_change(each)
        for each in courses
        if (alarm := next((alarm for alarm in each.alarms if alarm[0] >= CHANGE), None))
    ]
    repaired = [_repaired(each) for each in courses]
    known = [each for each in repaired if each is not None]
    off = [after for each in courses for day, _, after in each.promotions[:1] if day >= CHANGE]
    return {
        "sales_to_ring": median(rang) if rang else None,
        "sales_to_repair": median(known) if known else None,
        "off_after_promotion": round(fmean(off), 3) if off else None,
        "curve": {f"{sales}": round(sum(each <= sales for each in known) / len(courses), 2) for sales in CURVE},
    }


def _at_change(course: Course) -> int:
    """Return how many sales had been reported when the market changed."""
    return max((sales for day, sales, *_ in course.errors if day <= CHANGE), default=0)


def _repaired(course: Course) -> int | None:
    """Return after how many sales since the change the error was close to the least there is, None for never."""
    start = _at_change(course)
    spoilt = False
    for day, sales, error, least, _ in course.errors:
        if day < CHANGE:
            continue
        spoilt = spoilt or error > CLOSE * least
        if spoilt and error <= CLOSE * least:
            return sales - start
    return None


def _broken(found: dict[str, Any]) -> Iterator[str]:
    name = found["market"]
    if name == "still" and found["promotions"] > max(1, CHANCE * found["years"]):
        yield f"{found['promotions']} promotions by chance in {found['years']} years"
    if name == "still" and found["harm"] > HARM:
        yield f"a promotion by chance raised the error by {found['harm']:.1%}"
    if name in IMPOSSIBLE and found["prices_moved"] > 1 + HARM:
        yield f"labels that cannot be true moved prices by a factor of {found['prices_moved']}"
    if name in MOVED_BY_15 and found["curve"][str(ENOUGH)] < REPAIRED:
        yield f"{found['curve'][str(ENOUGH)]:.0%} repaired within {ENOUGH} sales"
    if name in COVERED and not COVERAGE[0] <= found["coverage"] <= COVERAGE[1]:
        yield f"intervals hold {found['coverage']:.1%} of new homes"
    if found["listing_alarms"]:
        yield f"{found['listing_alarms']} alarms about listings that did not change"


def _table(rows: list[dict[str, Any]]) -> Table:
    columns = {
        "years": "years",
        "promotions": "promoted",
        "alarms": "alarms",
        "awaiting_a_person": "for a person",
        "set_apart": "set apart",
        "sales_to_ring": "sales to ring",
        "sales_to_repair": "sales to repair",
        "off_after_promotion": "off by",
        "error": "error",
        "least": "least",
        "coverage": "coverage",
        "harm": "harm",
    }
    table = Table("market", *columns.values())
    for each in rows:
        table.add_row(each["market"], *("-" if each[name] is None else f"{each[name]}" for name in columns))
    return table


if __name__ == "__main__":
    main()
