"""What the commands say: data on standard output, talk on standard error."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from pricing.manifest import Manifest, Pointer
from training.data import Dataset
from training.judge import Verdict
from training.overview import Overview
from training.report import verdict_report

talk = Console(stderr=True, soft_wrap=True)
Step = Callable[[], None]


def say(text: str) -> None:
    """Say a line on standard error."""
    talk.print(text, highlight=False)


def say_data(data: Dataset) -> None:
    """Say which listings are used."""
    origin = "generated sample (no real listing in it), seeded" if data.generated else data.name
    say(f"Listings: {origin}: {data.report.rows_out:,} of {data.report.rows_in:,} rows are in the population")


@contextmanager
def doing(what: str) -> Iterator[Callable[[int], None]]:
    """Show that work goes on, and how much is done."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.completed:,.0f}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=talk, transient=True, disable=not talk.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        yield lambda count: progress.advance(task, count)


@contextmanager
def stages() -> Iterator[Callable[[str, int], None]]:
    """Show a bar for each stage; the function takes a stage's name and its number of steps, one of which is done.

    Where nobody watches, as in a log, the first and the last step of each stage are a line each.
    """
    if not talk.is_terminal:
        yield _line_by_line()
        return
    columns = (TextColumn("{task.description:12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=talk) as progress:
        tasks: dict[str, TaskID] = {}

        def tell(stage: str, steps: int) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=steps)
            progress.advance(tasks[stage])

        yield tell


def _line_by_line() -> Callable[[str, int], None]:
    done: Counter[str] = Counter()

    def tell(stage: str, steps: int) -> None:
        done[stage] += 1
        if done[stage] in (1, steps):
            say(f"{stage}: {done[stage]} of {steps}")

    return tell


@contextmanager
def counting(what: str, total: int) -> Iterator[Step]:
    """Show a bar of `total` steps."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=talk, transient=True, disable=not talk.is_terminal) as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)


def show_manifest(manifest: Manifest) -> None:
    """Show what was trained."""
    table = Table("figure", "value", title=f"{manifest.name} version {manifest.version}")
    for name, value in manifest.metrics.items():
        table.add_row(name, _number(value))
    Console().print(table)


def show_figures(document: dict[str, Any], *, as_json: bool) -> None:
    """Show the figures of an evaluation."""
    if as_json:
        _print_json(document)
        return
    splits, baseline = document["splits"], document["baseline"]
    table = Table(
        "figure",
        "test part",
        f"mean of {splits['n']} splits",
        "baseline, mean",
        title=f"{document['population']['rows']:,} listings",
    )
    for name, value in document["test"].items():
        cells = (_number(each.get(name)) for each in (splits, baseline))
        table.add_row(name, _number(value), *cells)
    Console().print(table)


def show_pointer(pointer: Pointer) -> None:
    """Show which version serves now."""
    before = f" (before: {pointer.previous})" if pointer.previous else ""
    Console().print(f"champion: version {pointer.version}{before}", highlight=False)


def show_verdict(verdict: Verdict) -> None:
    """Show what the judge found, and why."""
    talk.print(Markdown(verdict_report(verdict)))


def show_overview(overview: Overview, *, as_json: bool) -> None:
    """Show the registered versions and the champion."""
    if as_json:
        _print_json(overview)
        return
    table = Table("version", "alias", "median APE", "data", "trained", "serves")
    serving = overview.serving.version if overview.serving else None
    for each in overview.versions:
        data = "generated" if each.generated_data else each.data_sha256[:12]
        trained = each.created_at[:16].replace("T", " ")
        mark = "yes" if each.version == serving else ""
        table.add_row(each.version, ", ".join(each.aliases), _number(each.median_ape), data, trained, mark)
    Console().print(table)
    if overview.disagreement:
        say(overview.disagreement)


def _print_json(value: object) -> None:
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")


def _number(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_number, value))
    if not isinstance(value, int | float):
        return "" if value is None else str(value)
    return f"{value:,.0f}" if abs(value) >= 1_000 or isinstance(value, int) else f"{value:.4f}"
