"""`belo publish` and `belo redrive`."""

from typing import TYPE_CHECKING, Annotated

import typer

from listing_files.options import (
    DecimalMark,
    Delimiter,
    Encoding,
    IdColumn,
    Map,
    MaxInvalid,
    Rejects,
    Strict,
    file_options,
)
from terminal.errors import Failure, UsageFailure

if TYPE_CHECKING:
    from stream_producer.dead_letters_bucket.redrive import Choice


def publish(
    file: Annotated[str, typer.Argument(help="CSV, JSON, Parquet or Excel; - reads standard input.", metavar="FILE|-")],
    sample: Annotated[int | None, typer.Option(min=1, help="Take this many rows at random.", metavar="N")] = None,
    rate: Annotated[
        float | None, typer.Option(min=0.01, help="At most this many events a second.", metavar="R")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="End after this many events, going round the file again if need be.", metavar="N"),
    ] = None,
    aggregate: Annotated[
        bool, typer.Option("--aggregate", help="Pack many events into a record, as the KPL does.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where a run of this file, unchanged, was interrupted; else begin.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    delimiter: Delimiter = None,
    decimal: DecimalMark = None,
    encoding: Encoding = None,
    columns: Map = None,
    id_column: IdColumn = None,
    strict: Strict = False,
    rejects: Rejects = None,
    max_invalid: MaxInvalid = None,
) -> None:
    """Publish the listings of a file to the input stream.

    Rows that are no valid listing are counted, shown and not sent, and then the exit code is 1. A row's event has the
    same id each time: publish a file again and its events are priced again, under the same ids, and
    `belo consume` drops the second predictions.
    """
    import os

    from listing_files.market_file import find_market
    from stream_producer.file_publisher import Choices, FilePublisher
    from stream_producer.publisher import publishing_client
    from terminal.display import print_json, say
    from terminal.stack import Stack

    options = file_options(delimiter, decimal, encoding, columns, id_column, strict=strict)
    stack = Stack.find(os.environ)
    market = find_market(stack.environment())
    publisher = FilePublisher(publishing_client(stack), stack.listings_stream, market)
    choices = Choices(
        sample=sample,
        limit=limit,
        rate=rate,
        aggregate=aggregate,
        resume=resume,
        options=options,
        rejects=rejects,
        max_invalid=max_invalid,
    )
    # Not sys.stdin: a thread that still waits for it would hang the interpreter's end.
    stdin = os.fdopen(0, "rb", closefd=False) if file == "-" else None
    summary, incomplete = publisher.publish(file, choices, stdin)
    say(f"published to {stack.place(stack.listings_stream)}", "dim")
    if as_json:
        print_json(summary)
    else:
        speed = f"{summary.seconds:.1f} s ({summary.events_per_second:.0f}/s)"
        rest = f"{summary.invalid} rows invalid, {summary.retried} sent again"
        typer.echo(f"published {summary.published} events in {speed}, {rest}")
    if incomplete:
        raise Failure(incomplete)


def redrive(
    reason: Annotated[
        str | None,
        typer.Option(help="Only dead letters of this reason, or parked: batches Lambda gave up on.", metavar="REASON"),
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Only what arrived then or later (ISO 8601).", metavar="TIME")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also what was redriven three times and came back each time.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and send nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Send dead letters and parked batches back to the input stream.

    The oldest go first, each record once. They keep their partition keys and their events' ids. What the stream
    has taken moves to redriven/ in the same bucket; a record that was redriven three times and came back each
    time is left alone. A submission that was redriven counts as its listing's latest: what counts is its
    new position on the stream.
    """
    import os

    from stream_producer.dead_letters_bucket.redrive import redrive_bucket
    from terminal.display import print_json, say, warn
    from terminal.stack import Stack

    choice = _choice(reason, since, again=again)
    stack = Stack.find(os.environ)
    summary = redrive_bucket(stack, choice, dry_run=dry_run)
    if not dry_run:
        say(f"redriven to {stack.place(stack.listings_stream)}", "dim")
    if as_json:
        print_json(summary)
    else:
        reasons = ", ".join(f"{number} {why}" for why, number in summary.reasons.items())
        done = "would go" if dry_run else "redriven"
        typer.echo(f"{summary.chosen} letters of {summary.objects} objects {done}{': ' if reasons else ''}{reasons}")
    if summary.left_alone:
        warn(f"{summary.left_alone} letters were redriven three times before and stay: --again sends them")
    if summary.unreadable:
        raise Failure(f"{summary.unreadable} objects could not be read")


def _choice(reason: str | None, since: str | None, *, again: bool) -> "Choice":
    from stream_producer.dead_letters_bucket.redrive import REASONS, Choice
    from terminal.times import parse_time

    if reason is not None and reason not in REASONS:
        raise UsageFailure(f"--reason: expected one of {', '.join(REASONS)}, got {reason}")
    return Choice(reason=reason, since=parse_time("--since", since) if since is not None else None, again=again)
