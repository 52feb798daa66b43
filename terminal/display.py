"""What a person sees while something runs, on standard error; data goes to standard output."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

stderr = Console(stderr=True, soft_wrap=True, highlight=False)
Step = Callable[[], None]


def say(text: str, style: str = "") -> None:
    """Say a line on standard error, as it is: brackets are no markup."""
    stderr.print(text, style=style, markup=False)


def warn(text: str) -> None:
    """Say a line that a person should look at."""
    say(text, "yellow")


@contextmanager
def doing(what: str) -> Iterator[Callable[[int], None]]:
    """Show that work goes on, and how much is done."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.completed:,.0f}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        yield lambda count: progress.advance(task, count)


@contextmanager
def reading(what: str, *, quiet: bool) -> Iterator[Callable[[int, str], None]]:
    """Show how much was read, and a note beside it, to a person who watches; `quiet` shows nothing."""
    columns = (
        SpinnerColumn(),
        TextColumn(f"{{task.completed:,.0f}} {what}"),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=stderr, transient=True, disable=quiet or not stderr.is_terminal) as progress:
        task = progress.add_task("", total=None)
        yield lambda count, note: progress.update(task, advance=count, description=note)


@contextmanager
def stages() -> Iterator[Callable[[str, int], None]]:
    """Show a bar for each stage; the function takes a stage's name and its number of steps, one of which is done.

    Where nobody watches, as in a log, the first and the last step of each stage are a line each.
    """
    if not stderr.is_terminal:
        yield _line_by_line()
        return
    columns = (TextColumn("{task.description:12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=stderr) as progress:
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
    with Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)


def print_json(value: object) -> None:
    """Print a value as one line of JSON on standard output."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")


@contextmanager
def progress_bar(total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal; the function given adds events to it."""
    columns = (
        TextColumn("publishing"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=stderr, disable=not stderr.is_terminal) as bar:
        task = bar.add_task("", total=total)
        yield lambda events: bar.advance(task, events)
