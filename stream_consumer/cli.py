"""`belo consume`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from terminal.errors import UsageFailure

if TYPE_CHECKING:
    from stream_consumer.positions import ShardPosition


def consume(
    start: Annotated[
        str, typer.Option("--from", help="trim-horizon, latest, or a time (ISO 8601).", metavar="WHERE")
    ] = "trim-horizon",
    follow: Annotated[bool, typer.Option("--follow", help="Go on waiting for new predictions.")] = False,
    limit: Annotated[
        int | None, typer.Option("--max", min=1, help="End after this many predictions.", metavar="N")
    ] = None,
    idle_timeout: Annotated[
        float | None, typer.Option(min=0, help="End after this long without a prediction.", metavar="SECONDS")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="table, jsonl or csv.", metavar="FORMAT")] = "table",
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="Remember in this file how far reading came, and go on there.", metavar="FILE"),
    ] = None,
    latest_per_listing: Annotated[
        bool, typer.Option("--latest-per-listing", help="Only the newest prediction of each listing.")
    ] = False,
) -> None:
    """Print the predictions, each once.

    Without --follow or --idle-timeout it ends where the stream ends. With a checkpoint, --from counts
    the first time only.
    """
    import os
    import sys

    from stream_consumer.consumer import Consumer
    from stream_consumer.formats import Format
    from stream_consumer.output import Output
    from stream_consumer.printing import Printing
    from terminal.display import warn
    from terminal.stack import Stack

    if form not in list(Format):
        raise UsageFailure(f"--format: expected table, jsonl or csv, got {form}")
    stack = Stack.find(os.environ)
    consumer = Consumer(
        stack.client("kinesis"),
        stack.predictions_stream,
        start=_position(start),
        checkpoint=checkpoint,
        on_foreign=warn,
    )
    printing = Printing(consumer, Output(sys.stdout.buffer, Format(form)))
    printing.run(follow=follow, idle_timeout=idle_timeout, limit=limit, latest_per_listing=latest_per_listing)


def _position(text: str) -> "ShardPosition":
    from stream_consumer.positions import HORIZON, ShardPosition, latest
    from terminal.times import parse_time

    if text == "trim-horizon":
        return HORIZON
    if text == "latest":
        return latest()
    return ShardPosition(at=parse_time("--from", text, "trim-horizon, latest or a time"))
