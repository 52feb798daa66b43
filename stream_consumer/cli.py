"""`belo consume` and `belo streams`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from terminal.errors import UsageFailure

if TYPE_CHECKING:
    from collections.abc import Collection

    from pricing.market import Market
    from stream_consumer.overview import Overview
    from stream_consumer.positions import ShardPosition
    from stream_consumer.printing.output import Sink
    from stream_consumer.worker import Worker
    from terminal.stack import Stack

SECONDS_BETWEEN_VIEWS = 5.0  # of `belo streams --watch`
FORMATS = "table, jsonl, csv or parquet"


def consume(
    start: Annotated[
        str, typer.Option("--from", help="trim-horizon, latest, or a time (ISO 8601).", metavar="WHERE")
    ] = "trim-horizon",
    until: Annotated[
        str | None, typer.Option(help="End before what arrives at this time or later (ISO 8601).", metavar="TIME")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on waiting for new predictions.")] = False,
    limit: Annotated[
        int | None, typer.Option("--max", min=1, help="End after this many predictions.", metavar="N")
    ] = None,
    idle_timeout: Annotated[
        float | None, typer.Option(min=0, help="End after this long without a prediction.", metavar="SECONDS")
    ] = None,
    form: Annotated[str, typer.Option("--format", help=f"{FORMATS}.", metavar="FORMAT")] = "table",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write to this file: Parquet anew, else at its end.", metavar="FILE"),
    ] = None,
    checkpoint: Annotated[
        str | None,
        typer.Option(
            help="Remember in this file, or object s3://BUCKET/KEY, how far reading came, and go on there.",
            metavar="FILE",
        ),
    ] = None,
    latest_per_listing: Annotated[
        bool, typer.Option("--latest-per-listing", help="Only the newest prediction of each listing.")
    ] = False,
    listing: Annotated[
        list[str] | None, typer.Option(help="Only of this listing; may be repeated.", metavar="ID")
    ] = None,
    neighborhood: Annotated[
        list[str] | None, typer.Option(help="Only of this neighbourhood; may be repeated.", metavar="NAME")
    ] = None,
    model_version: Annotated[
        list[str] | None, typer.Option(help="Only of this version of the model; may be repeated.", metavar="VERSION")
    ] = None,
    shard: Annotated[
        list[str] | None, typer.Option(help="Read this shard only; may be repeated.", metavar="ID")
    ] = None,
    worker: Annotated[
        str | None,
        typer.Option(help="Read a part of the shards: number of this process, and how many there are.", metavar="2/4"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with a summary as JSON on standard error.")] = False,
) -> None:
    """Print the predictions, each once.

    Without --follow, --until or --idle-timeout it ends where the stream ended when reading began. With a
    checkpoint, --from counts the first time only, and a prediction that an earlier run printed is not
    printed again; what a crash leaves uncertain is printed again: what was printed after the last save.
    Predictions that the stream no longer keeps are named as a gap.
    """
    import os
    import sys

    from listing_files.market_file import find_market
    from pricing.places import neighborhood_key
    from stream_consumer.consumer import Consumer
    from stream_consumer.printing.newest import Newest
    from stream_consumer.printing.printer import Choice, Printing
    from terminal.display import warn
    from terminal.stack import Stack
    from terminal.times import parse_time

    if latest_per_listing and checkpoint and checkpoint.startswith("s3://"):
        raise UsageFailure("--latest-per-listing needs a checkpoint in a file: what was newest is kept beside it")
    stack = Stack.find(os.environ)
    market = find_market(stack.environment())
    key = neighborhood_key(market.place_names)
    ends = parse_time("--until", until) if until is not None else None
    choice = Choice(
        listings=frozenset(listing or ()),
        neighborhoods=frozenset(map(key, neighborhood or ())),
        key=key,
        versions=frozenset(model_version or ()),
    )
    sink = _sink(form, output, market)
    newest = Newest(Path(f"{checkpoint}.newest")) if latest_per_listing and checkpoint else None
    try:
        with Consumer(
            stack.client("kinesis"),
            stack.predictions_stream,
            start=_position(start),
            checkpoint=checkpoint,
            s3=stack.client("s3") if checkpoint and checkpoint.startswith("s3://") else None,
            shards=_shards(shard, worker),
            on_foreign=warn,
            on_gap=lambda gap: warn(str(gap)),
        ) as consumer:
            Printing(consumer, sink, choice).run(
                follow=follow,
                idle_timeout=idle_timeout,
                limit=limit,
                latest_per_listing=latest_per_listing,
                until=ends,
                newest=newest,
                as_json=as_json,
                quiet=output is None and sys.stdout.isatty(),
            )
    except BrokenPipeError:  # the reader of our output has seen enough; the interpreter's end must not try again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def streams(
    checkpoint: Annotated[
        str | None,
        typer.Option(
            help="Show how far this checkpoint of `belo consume` is behind: a file, or s3://BUCKET/KEY.", metavar="FILE"
        ),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Show it again every five seconds, until stopped.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON, a line each time.")] = False,
) -> None:
    """Show both streams: shards, oldest and newest record, what comes in a minute, who is behind, what died.

    Reads a little of each shard. The iterator age is the score function's, from CloudWatch.
    """
    import os
    import threading

    from rich.console import Console
    from rich.live import Live

    from stream_consumer.printing.overview import rendered
    from terminal.display import print_json
    from terminal.signals import stopped_by_signals
    from terminal.stack import Stack

    stack = Stack.find(os.environ)
    stopped = threading.Event()
    console = Console()
    with stopped_by_signals(stopped.set):
        if as_json or not watch:
            while not stopped.is_set():
                overview = _overview(stack, checkpoint)
                print_json(overview) if as_json else console.print(rendered(overview))
                if not watch:
                    break
                stopped.wait(SECONDS_BETWEEN_VIEWS)
            return
        with Live(console=console, auto_refresh=False) as live:
            while not stopped.is_set():
                live.update(rendered(_overview(stack, checkpoint)), refresh=True)
                stopped.wait(SECONDS_BETWEEN_VIEWS)


def _overview(stack: "Stack", checkpoint: str | None) -> "Overview":
    from datetime import UTC, datetime

    from lambdas.aws.kinesis_calls import KinesisCalls
    from stream_consumer.checkpoints.opening import look_at_checkpoint
    from stream_consumer.overview import Overview, dead_of_last_day, iterator_age, look_at_stream

    kinesis, s3, now = stack.client("kinesis"), stack.client("s3"), datetime.now(UTC)
    positions = None
    if checkpoint is not None:
        identity = KinesisCalls(kinesis).stream_identity(stack.predictions_stream)
        positions = look_at_checkpoint(checkpoint, identity, s3)
    return Overview(
        [
            look_at_stream(kinesis, stack.listings_stream),
            look_at_stream(kinesis, stack.predictions_stream, positions),
        ],
        iterator_age(stack.client("cloudwatch"), stack.score_function, now),
        *dead_of_last_day(s3, stack.dead_letters_bucket, now),
    )


def _sink(form: str, output: Path | None, market: "Market") -> "Sink":
    import sys

    from stream_consumer.printing.formats import Format
    from stream_consumer.printing.output import Output

    if form not in list(Format):
        raise UsageFailure(f"--format: expected {FORMATS}, got {form}")
    if form == Format.PARQUET:
        from stream_consumer.printing.parquet import ParquetOutput

        if output is None:
            raise UsageFailure("--format parquet needs a file: -o FILE")
        return ParquetOutput(output)
    return Output(sys.stdout.buffer if output is None else output.open("ab"), Format(form), market)


def _shards(ids: list[str] | None, worker: str | None) -> "Worker | Collection[str] | None":
    from stream_consumer.worker import Worker

    if ids and worker:
        raise UsageFailure("--shard and --worker exclude each other")
    return Worker.parse(worker) if worker else ids


def _position(text: str) -> "ShardPosition":
    from stream_consumer.positions import HORIZON, LATEST, ShardPosition
    from terminal.times import parse_time

    if text == "trim-horizon":
        return HORIZON
    if text == "latest":
        return LATEST
    return ShardPosition(at=parse_time("--from", text, "trim-horizon, latest or a time"))
