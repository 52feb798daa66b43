"""What the retraining commands say: data on standard output, talk on standard error."""

import sys
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from training.retraining_records import Record

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


def show_history(records: list[Record], *, as_json: bool) -> None:
    """Print the records, the oldest first: a table, or one JSON list."""
    rows = [history_row(each) for each in records]
    if as_json:
        print(msgspec.json.encode(rows).decode())
        return
    if not rows:
        say("no retraining so far")
        return
    table = Table("when", "what drifted", "trained", "verdict", "champion", "promoted by")
    for row in rows:
        table.add_row(
            row["when"][:16].replace("T", " "),
            row["asked"],
            row["trained"] or "-",
            f"{row['verdict']}: {row['why']}",
            f"{row['champion_before']} → {row['champion_after']}",
            row["promoted_by"] or "-",
        )
    Console(file=sys.stdout, highlight=False).print(table)


def history_row(record: Record) -> dict[str, Any]:
    """Return a record as the history shows it."""
    return {
        "when": record.finished_at.isoformat(),
        "id": record.request.id,
        "kind": record.request.kind,
        "asked": record.request.reason,
        "trained": record.trained,
        "version": record.version,
        "verdict": record.outcome,
        "why": record.why,
        "promoted_by": record.promoted_by,
        "champion_before": record.champion_before,
        "champion_after": record.champion_after,
        "sales": record.sales,
        "contests": [msgspec.to_builtins(each) for each in record.contests],
    }
