"""What the retraining commands say: data on standard output, what a person reads on standard error."""

import sys

from rich.console import Console
from rich.table import Column, Table

from terminal.display import print_json, say
from training.retraining.history import Entry


def show_asked(request_id: str, *, as_json: bool) -> None:
    """Print the id of a request."""
    if as_json:
        print_json({"id": request_id})
    else:
        print(request_id)
        say("asked; `belo history` shows it when a worker is done with it")


def show_history(entries: list[Entry], *, as_json: bool) -> None:
    """Print the history, the oldest first: a table, or one JSON list."""
    if as_json:
        print_json(entries)
        return
    if not entries:
        say("no champion so far, and no retraining")
        return
    table = Table(Column("when", no_wrap=True), "what drifted", "trained", "verdict", "champion", "promoted by")
    for entry in entries:
        table.add_row(
            f"{entry.when:%Y-%m-%d %H:%M}",
            entry.asked or "-",
            entry.trained or "-",
            f"{entry.verdict}: {entry.why}" if entry.why else entry.verdict,
            f"{entry.champion_before or 'none'} → {entry.champion_after}",
            entry.promoted_by or "-",
        )
    Console(file=sys.stdout, highlight=False).print(table)
