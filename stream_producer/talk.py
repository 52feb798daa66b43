"""What a person sees of a file being published."""

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pricing.refusal import InvalidRecord
from stream_producer.choices import Choices
from stream_producer.listing_files import STANDARD_INPUT
from stream_producer.publisher import Outcome
from stream_producer.records import Position

INVALID_SHOWN = 5


class NotSent:
    """Shows the first invalid rows, and says how many more there were."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._number = 0

    def show(self, row: int, error: InvalidRecord) -> None:
        """Show an invalid row, one of the first."""
        self._number += 1
        if self._number <= INVALID_SHOWN:
            self._console.print(f"row {row} is not sent: {error}", style="yellow", markup=False, highlight=False)

    def rest(self) -> None:
        """Say how many more there were."""
        if self._number > INVALID_SHOWN:
            self._console.print(f"… and {self._number - INVALID_SHOWN} more rows are not sent", style="yellow")


def obstacle(outcome: Outcome, at: Position | None, unreadable: str, way_on: str) -> str:
    """Return why a run ended early, up to where it came, and how to go on; "" for a complete one."""
    if outcome.complete and not unreadable:
        return ""
    what = unreadable or "stopped"
    if outcome.failed:
        what = f"{outcome.failed} events were refused ({outcome.error})"
    reached = f"everything up to row {at.row} is on the stream" if at else "the first row is not on the stream"
    again = f" (pass {at.turn + 1})" if at and at.turn else ""
    return f"{what}: {reached}{again}{'' if unreadable else way_on}"


def way_on(file: str, choices: Choices) -> str:
    """Return how the run of a file is taken up again; "" for standard input."""
    if file == STANDARD_INPUT:
        return ""
    options: list[str] = []
    for name, value in (("--sample", choices.sample), ("--limit", choices.limit)):
        options += [name, str(value)] if value is not None else []
    options += ["--aggregate"] if choices.aggregate else []
    command = shlex.join(["belo", "publish", file, *options, "--resume"])
    return f"; the same command with --resume goes on ({command})"


@contextmanager
def progress_bar(console: Console, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal; the function given adds events to it."""
    columns = (
        TextColumn("publishing"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total)
        yield lambda events: bar.advance(task, events)
