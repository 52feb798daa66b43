"""The commands that close the loop: labels in, and a look at the champion; `belo.cli` registers them."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from listing_files.options import (
    DecimalMark,
    Delimiter,
    Encoding,
    IdColumn,
    Map,
    MaxInvalid,
    Rejects,
    file_options,
)
from terminal.errors import Failure, UsageFailure


def report_sales(
    file: Annotated[
        Path,
        typer.Argument(
            help="Sales (listing_id, sale_price, sold_at): CSV, JSON, Parquet or Excel.", show_default=False
        ),
    ],
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    delimiter: Delimiter = None,
    decimal: DecimalMark = None,
    encoding: Encoding = None,
    columns: Map = None,
    id_column: IdColumn = None,
    rejects: Rejects = None,
    max_invalid: MaxInvalid = None,
) -> None:
    """Tell what homes were sold for.

    Right rows are reported, all together; wrong ones are named by line, and then the exit code is 1. A listing reported
    again has the new price, and keeps its place among the sales.
    """
    import os
    from datetime import UTC, datetime

    from listing_files.market_file import find_market
    from listing_files.rejects import Rejects as Refused
    from monitoring import printing
    from monitoring.sales_files import report
    from terminal.display import say
    from terminal.stack import Stack

    options = file_options(delimiter, decimal, encoding, columns, id_column, strict=True)
    stack = Stack.find(os.environ)
    market = find_market(stack.environment())
    with Refused("is left out", rejects, max_invalid) as refused:
        s3, now = stack.client("s3"), datetime.now(UTC)
        tell = lambda words: say(words, "dim")  # noqa: E731
        outcome = report(file, s3, stack.archive_bucket, now, market, options, tell, refused)
    say(f"reported to {stack.place(stack.archive_bucket)}", "dim")
    printing.show_report(outcome, as_json=json)
    if len(outcome.refused) > (max_invalid or 0):
        raise Failure(f"{file}: {len(outcome.refused)} wrong rows were left out")


def sales(
    accept: Annotated[
        list[str] | None, typer.Option("--accept", metavar="LISTING_ID", help="Its price is right; may be repeated.")
    ] = None,
    withdraw: Annotated[
        list[str] | None, typer.Option("--withdraw", metavar="LISTING_ID", help="It fell through; may be repeated.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the sales that are set apart because they are not credible, or decide about some.

    Until somebody accepts them they take no part in alarms, contests and training. A sale that is withdrawn counts as
    never reported; one that is reported again afterwards is new.
    """
    import os
    from datetime import UTC, datetime

    from botocore.config import Config

    from lambdas.aws.objects import READERS
    from listing_files.market_file import find_market
    from monitoring import printing
    from monitoring.decisions import decide, doubtful
    from terminal.display import say
    from terminal.stack import Stack

    stack = Stack.find(os.environ)
    s3 = stack.client("s3", Config(max_pool_connections=READERS))
    if accept or withdraw:
        say(f"writing to {stack.place(stack.archive_bucket)}", "dim")
        count = decide(s3, stack.archive_bucket, datetime.now(UTC), accept or [], withdraw or [])
        say(f"decided about {count} sales; the monitor's next look and the next contest go by it")
    found = doubtful(s3, stack.archive_bucket, datetime.now(UTC), find_market(stack.environment()))
    printing.show_doubtful(found, as_json=json)


def monitor(
    window: Annotated[str, typer.Option(help="Listings to look at: the last 7d, 24h, 30m ...")] = "7d",
    json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
    report: Annotated[
        Path | None, typer.Option(help="Write a page with the distributions and the course of it.", metavar="FILE.html")
    ] = None,
) -> None:
    """Look at how the champion does: have listings or sale prices drifted? Announces nothing."""
    import os
    from datetime import UTC, datetime

    from botocore.config import Config

    from lambdas.aws.objects import READERS
    from lambdas.drift.watch import Watch
    from monitoring import printing
    from monitoring.report_page import write
    from pricing.manifest import ContractMismatch
    from terminal.display import doing, say
    from terminal.stack import Stack

    stack = Stack.find(os.environ)
    s3 = stack.client("s3", Config(max_pool_connections=READERS))
    watch = Watch(stack.models_bucket, stack.dead_letters_bucket, stack.archive_bucket, window=_duration(window))
    try:
        with doing("Reading the archive"):
            look = watch.look(s3, datetime.now(UTC))
            if report is not None:
                write(report, look, watch, s3)
    except ContractMismatch as error:
        raise Failure(f"there is nothing to hold the champion against: {error}") from error
    printing.show_verdict(look.verdict, as_json=json)
    if report is not None:
        say(f"report: {report}")


def _duration(text: str) -> timedelta:
    units = {"d": "days", "h": "hours", "m": "minutes"}
    number, unit = text[:-1], text[-1:]
    if unit not in units or not number.isdecimal() or not 0 < int(number) <= 10_000:
        raise UsageFailure(f"--window: expected a duration such as 7d, 24h or 30m, got {text}")
    return timedelta(**{units[unit]: int(number)})
