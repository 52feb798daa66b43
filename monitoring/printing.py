"""What the commands say: results on standard output, what a person reads on standard error."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from lambdas.drift.events import events
from lambdas.drift.watch import DriftVerdict
from monitoring.decisions import Doubtful
from monitoring.sales_files import SalesReport
from monitoring.sentences import (
    CHECKS,
    ERRORS,
    FIGURES,
    check_row,
    error_row,
    figures_row,
    loss_sentence,
    prices_sentence,
    ratios_sentence,
    sales_sentence,
    verdict_sentence,
    warnings_sentence,
)
from terminal.display import print_json, say

SHOWN = 20  # wrong rows

_out = Console(highlight=False, soft_wrap=True)


def show_report(report: SalesReport, *, as_json: bool) -> None:
    """Print what became of a file of sales."""
    if as_json:
        print_json(report)
        return
    again = f", {report.repeated} of them rows about a listing that came again further down" * bool(report.repeated)
    print(f"{report.reported + report.repeated} sales reported{again}; {len(report.refused)} rows refused")


def show_doubtful(found: Doubtful, *, as_json: bool) -> None:
    """Print the sales that are set apart: a table, or JSON; in words how many others there are."""
    if as_json:
        print_json(found)
        return
    rows = [
        (each.listing_id, f"{each.sale_price:,.0f}", f"{each.predicted_price:,.0f}", each.reported_at[:16], each.reason)
        for each in found.set_apart
    ]
    if rows:
        header = ("listing", "sale price", "price said", "reported", "why it is set apart")
        _out.print(_table("Sales set apart", header, rows, [False] * len(rows)))
    say(
        f"{len(rows)} sales are set apart; {found.accepted} accepted, {found.withdrawn} withdrawn, {found.unmatched} "
        f"of homes that nobody had priced before, {found.unreadable} lines that are no sale"
    )


def show_verdict(verdict: DriftVerdict, *, as_json: bool) -> None:
    """Print a verdict: a sentence, what rang, the comparisons of listings, and the figures of sales."""
    if as_json:
        print_json(verdict)
        return
    _out.print(verdict_sentence(verdict), style="bold red" if verdict.drifted else "bold green", markup=False)
    for event in events(verdict):
        _out.print(f"  {event.summary}", markup=False)
    _out.print(prices_sentence(verdict.performance), markup=False)
    _out.print(sales_sentence(verdict), markup=False)
    for sentence in filter(None, (loss_sentence(verdict), ratios_sentence(verdict), warnings_sentence(verdict))):
        _out.print(sentence, markup=False)
    if found := verdict.figures:
        _out.print(_table("Sales against predictions", FIGURES, map(figures_row, found), [False] * len(found)))
    if watches := verdict.errors:
        red = [each.rang for each in watches]
        _out.print(_table("Errors of these sales", ERRORS, map(error_row, watches), red))
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
