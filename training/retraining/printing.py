"""What the retraining commands say: data on standard output, talk on standard error."""

import sys

import msgspec
from rich.console import Console
from rich.table import Column, Table

from training.retraining.history import Entry

_talk = Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """Tell the person who waits."""
    _talk.print(text, markup=False)


def show_asked(request_id: str, *, as_json: bool) -> None:
    """Print the id of a request."""
    if as_json:
        print(msgspec.json.encode({"id": request_id}).decode())
    else:
        print(request_id)
        say("asked; `belo history` shows it when a worker is done with it")


def show_history(entries: list[Entry], *, as_json: bool) -> None:
    """Print the history, the oldest first: a table, or one JSON list."""
    if as_json:
        print(msgspec.json.encode(entries).decode())
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
