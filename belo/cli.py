"""`belo`: composes the rooms' commands, and turns errors that a person can mend into one line."""

import functools
import inspect
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from belo.cost.cli import cost
from belo.forget.cli import forget
from belo.score.cli import ratio_study, score
from belo.score.explain_cli import explain, price
from monitoring.cli import monitor, report_sales, sales
from stream_consumer.cli import consume, streams
from stream_producer.cli import publish, redrive
from terminal.errors import Failure, one_line
from terminal.stack import CHOSEN
from training.cli import evaluate, models, promote, rollback, train
from training.market_cli import market
from training.retraining.cli import history, retrain, train_worker

FILES = ("ijson", "pyarrow", "python_calamine", "zstandard")  # what the extra of this name brings

StackFile = Annotated[
    str | None,
    typer.Option(
        "--stack",
        metavar="FILE",
        help="The stack to talk to, else the one that the environment names, else build/stack.env.",
        show_default=False,
    ),
]


def with_stack(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command with `--stack FILE`, which sets BELO_STACK for `Stack.find`."""

    @functools.wraps(command)
    def run(*arguments: Any, stack: str | None = None, **options: Any) -> None:  # noqa: ANN401 - the command's own
        if stack:
            os.environ[CHOSEN] = stack
        command(*arguments, **options)

    known = inspect.signature(command)
    added = inspect.Parameter("stack", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=StackFile)
    run.__signature__ = known.replace(parameters=[*known.parameters.values(), added])  # type: ignore[attr-defined]
    run.__annotations__ = {**command.__annotations__, "stack": StackFile}
    return run


app = typer.Typer(
    name="belo",
    help="Listings in on a stream, prices with honest intervals out on a stream.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

PANELS: dict[str, tuple[Callable[..., None], ...]] = {
    "Streams": (publish, consume, streams, redrive),
    "Scoring": (score, price, explain, ratio_study),
    "The model's life": (train, evaluate, models, promote, rollback),
    "The feedback loop": (report_sales, sales, monitor, retrain, train_worker, history),
    "Operating": (cost, forget),
}
for panel, commands in PANELS.items():
    for command in commands:
        app.command(rich_help_panel=panel)(with_stack(command))


app.add_typer(market, name="market", rich_help_panel="The model's life")


def main() -> None:
    """Run the command line; exit code 0, 1 (failed) or 2 (called in a way that cannot work)."""
    if not sys.stdout:  # closed, it is None
        _stop("standard output is closed", 1)
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # now, and not where nothing can be said any more
    except Failure as error:
        error.exit("belo")
    except ModuleNotFoundError as error:  # an extra that is not installed
        extra = "files" if error.name in FILES else "train"
        _stop(f"this needs {error.name}: pip install 'belo-horizonte-pricing[{extra}]'", 1)
    except EndpointConnectionError as error:
        _stop(f"{one_line(error)} (a local cloud is started by `make up`)", 1)
    except (ClientError, BotoCoreError) as error:
        _stop(one_line(error), 1)
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:  # a full disk
        where = f"{error.filename}: " if error.filename else ""
        _discard_output()
        _stop(f"{where}{error.strerror or error}", 1)


def _discard_output() -> None:
    """Let what is still to be written to standard output go nowhere: the interpreter's end would try it again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _stop(message: str, exit_code: int) -> None:
    print(f"belo: {message}", file=sys.stderr)
    sys.exit(exit_code)
