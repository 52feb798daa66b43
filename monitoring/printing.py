"""What the commands say: results on standard output, talk on standard error."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import msgspec
from rich.console import Console
from rich.table import Table

from lambdas.drift.events import events
from lambdas.drift.watch import Verdict
from monitoring.sales_files import Outcome
from monitoring.sentences import CHECKS, FIGURES, check_row, figures_row, prices_sentence, verdict_sentence

SHOWN = 20  # wrong rows

_out = Console(highlight=False, soft_wrap=True)
_err = Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """Say something to the person who waits."""
    _err.print(text, markup=False, soft_wrap=True)


@contextmanager
def doing(what: str) -> Iterator[None]:
    """Show that something is under way."""
    with _err.status(f"{what} ..."):
        yield


def show_outcome(outcome: Outcome, *, as_json: bool) -> None:
    """Print what became of a file of sales; wrong rows by line, the first of them in words."""
    if as_json:
        print(msgspec.json.encode(outcome).decode())
        return
    for each in outcome.refused[:SHOWN]:
        say(f"line {each.line}: {each.error}")
    if len(outcome.refused) > SHOWN:
        say(f"... and {len(outcome.refused) - SHOWN} more; --json names all")
    again = f", {outcome.repeated} of them rows about a listing that came again further down" * bool(outcome.repeated)
    print(f"{outcome.reported + outcome.repeated} sales reported{again}; {len(outcome.refused)} rows refused")


def show_verdict(verdict: Verdict, *, as_json: bool) -> None:
    """Print a verdict: a sentence, what rang, the comparisons of listings, and the figures of sales."""
    if as_json:
        print(msgspec.json.encode(verdict).decode())
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
