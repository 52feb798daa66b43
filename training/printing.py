"""What the commands say: data on standard output, what a person reads on standard error."""

from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from pricing.manifest import Manifest, Pointer
from terminal.display import print_json, say, stderr, warn
from training.data.listings import Dataset
from training.promotion.judge import PromotionVerdict
from training.promotion.verdict_report import verdict_report
from training.registry.overview import Overview


def say_data(data: Dataset) -> None:
    """Say which listings are used."""
    origin = "generated sample (no real listing in it), seeded" if data.generated else data.name
    say(f"Listings: {origin}: {data.report.rows_out:,} of {data.report.rows_in:,} rows are in the population")
    for doubt in data.doubts:
        warn(doubt)


def show_manifest(manifest: Manifest) -> None:
    """Show what was trained."""
    table = Table("figure", "value", title=f"{manifest.name} version {manifest.version}")
    for name, value in manifest.metrics.items():
        table.add_row(name, _number(value))
    Console().print(table)


def show_figures(document: dict[str, Any], *, as_json: bool) -> None:
    """Show the figures of an evaluation."""
    if as_json:
        print_json(document)
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
    if classes := document["classes"]["splits"]:
        Console().print(_classes(classes["by_class"]))


def _classes(found: dict[str, dict[str, Any]]) -> Table:
    """Return how sure the model is, and whether it is right about that: means over the splits."""
    table = Table("confidence", "homes", "median APE", "intervals hold", "width, of the price")
    for name, each in found.items():
        figures = (each[figure] for figure in ("share", "median_ape", "coverage", "relative_width"))
        table.add_row(name, *("" if figure is None else f"{figure:.1%}" for figure in figures))
    return table


def show_pointer(pointer: Pointer) -> None:
    """Show which version serves now."""
    before = f" (before: {pointer.previous})" if pointer.previous else ""
    Console().print(f"champion: version {pointer.version}{before}", highlight=False)


def show_verdict(verdict: PromotionVerdict) -> None:
    """Show what the judge found, and why."""
    stderr.print(Markdown(verdict_report(verdict)))


def show_overview(overview: Overview, *, as_json: bool) -> None:
    """Show the registered versions and the champion."""
    if as_json:
        print_json(overview)
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


def _number(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_number, value))
    if not isinstance(value, int | float):
        return "" if value is None else str(value)
    return f"{value:,.0f}" if abs(value) >= 1_000 or isinstance(value, int) else f"{value:.4f}"
