"""The figures as people read them: a summary for the terminal, docs/performance.md for the repository.

    python -m benchmarks.speed.report

takes build/bench.json for what is committed: benchmarks/speed/committed.json, and the page made of it.
"""

import json
import shutil
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmarks.speed.section import RATIOS

FOUND = Path("build/bench.json")
COMMITTED = Path("benchmarks/speed/committed.json")
PAGE = Path("docs/performance.md")
DRAWN, PLOT = Path("build/bench/latency.png"), Path("docs/latency.png")

Document = dict[str, Any]  # of build/bench.json


def summary(document: Document) -> str:
    """Return the promised ratios, one a line, with where they should be, and what could not be measured."""
    lines = [f"{name:30} {_figure(document['ratios'].get(name)):>8}  {_wanted(name)}" for name in RATIOS]
    return "\n".join(lines + [f"not measured: {name}: {why}" for name, why in document["errors"].items()])


def page(document: Document) -> str:
    """Return the page of a run, in Markdown."""
    lines = [
        "# What it costs",
        "",
        "Printed by one run of `DATA=listings_2021.csv make bench`, written by `python -m benchmarks.speed.report`.",
        f"The machine: {document['machine']}; others work on it, too. Times are CPU time of the process where no",
        "table says otherwise. A ratio is the median of the ratios of rounds that take turns, so that a busy machine",
        "slows both sides. `make bench-guard` fails where one is more than a fifth worse than here.",
        "",
        "| ratio | found | wanted | what it says |",
        "|---|---:|---:|---|",
        *(
            f"| `{name}` | {_figure(document['ratios'].get(name))} | {_wanted(name)} | {promised.meaning} |"
            for name, promised in RATIOS.items()
        ),
        "",
    ]
    for name, section in document["sections"].items():
        lines += [f"## {section['title']}", "", f"`python -m benchmarks.speed {name}`", ""]
        lines += [line for note in section["notes"] for line in (note, "")]
        if name == "drain":
            lines += [f"![How long listings waited for their prices, by rate and percentile]({PLOT.name})", ""]
        rows = [row for row in document["rows"] if row["section"] == name]
        for table, found in groupby(rows, key=lambda row: row["table"]):
            lines += [f"{table[0].upper()}{table[1:]}:", "", *_table(list(found)), ""]
    return "\n".join(lines).rstrip() + "\n"


def _table(rows: list[dict[str, Any]]) -> list[str]:
    names = [name for name in rows[0] if name not in ("section", "table")]
    sides = ["---" if isinstance(rows[0][name], str) else "---:" for name in names]
    cells = [[f"{row[name]:,}" if isinstance(row[name], int | float) else row[name] for name in names] for row in rows]
    return [f"| {' | '.join(each)} |" for each in [names, sides, *cells]]


def _figure(found: float | None) -> str:
    return "-" if found is None else f"{found:,.3g}" if found < 1_000 else f"{found:,.0f}"


def _wanted(name: str) -> str:
    return f"{'≥' if RATIOS[name].better == 'more' else '≤'} {RATIOS[name].target:g}"


if __name__ == "__main__":
    text = FOUND.read_text()
    COMMITTED.write_text(text)
    PAGE.write_text(page(json.loads(text)))
    shutil.copyfile(DRAWN, PLOT)
