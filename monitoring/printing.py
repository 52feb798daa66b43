"""What the commands say: results on standard output, what a person reads on standard error."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from lambdas.drift.events import events
from lambdas.drift.watch import DriftVerdict
from monitoring.sales_files import SalesReport
from monitoring.sentences import CHECKS, FIGURES, check_row, figures_row, prices_sentence, verdict_sentence
from terminal.display import print_json, say

SHOWN = 20  # wrong rows

_out = Console(highlight=False, soft_wrap=True)


def show_report(report: SalesReport, *, as_json: bool) -> None:
    """Print what became of a file of sales; wrong rows by line, the first of them in words."""
    if as_json:
        print_json(report)
        return
    for each in report.refused[:SHOWN]:
        say(f"line {each.line}: {each.error}")
    if len(report.refused) > SHOWN:
        say(f"... and {len(report.refused) - SHOWN} more; --json names all")
    again = f", {report.repeated} of them rows about a listing that came again further down" * bool(report.repeated)
    print(f"{report.reported + report.repeated} sales reported{again}; {len(report.refused)} rows refused")


def show_verdict(verdict: DriftVerdict, *, as_json: bool) -> None:
    """Print a verdict: a sentence, what rang, the comparisons of listings, and the figures of sales."""
    if as_json:
        print_json(verdict)
        return
    _out.print(verdict_sentence(verdict), style="bold red" if verdict.drifted else "bold green", markup=False)
    for event in events(verdict):
        _out.print(f"  {event.summary}", markup=False)
    _out.print(prices_sentence(verdict.performance), markup=False)
    if found := verdict.figures:
        _out.print(_table("Sales against predictions", FIGURES, map(figures_row, found), [False] * len(found)))
    if checks := verdict.listings:
        red = [each.rang for each in checks]
        _out.print(_table("Listings against the training part", CHECKS, map(check_row, checks), red))


def _table(title: str, header: Sequence[str], rows: Iterable[tuple[str, ...]], red: Iterable[bool]) -> Table:
    table = Table(title=title, title_justify="left")
    for place, name in enumerate(header):
        table.add_column(name, justify="right" if place else "left")
    for row, rang in zip(rows, red, strict=True):
        table.add_row(*row, style="red" if rang else "")
    return table
