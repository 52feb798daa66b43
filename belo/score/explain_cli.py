"""`belo price` and `belo explain`: the price of one home, or of a file's, and why."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from belo.score.cli import ChosenModel, open_model
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
from terminal.errors import Failure

if TYPE_CHECKING:
    from pricing.answer.answer import Answer
    from pricing.market import Market


def price(
    neighborhood: Annotated[str, typer.Option(help="Its name; case and accents do not matter.", show_default=False)],
    area: Annotated[float, typer.Option(help="Living area, m².", show_default=False)],
    rooms: Annotated[int | None, typer.Option(help="Bedrooms.", show_default="unknown")] = None,
    garage: Annotated[int | None, typer.Option(help="Garage places.", show_default="unknown")] = None,
    fee: Annotated[float | None, typer.Option(help="Monthly fee.", show_default="unknown")] = None,
    address: Annotated[
        str | None, typer.Option(help="Street, then what follows a comma.", show_default="unknown")
    ] = None,
    latitude: Annotated[float | None, typer.Option(help="Degrees.", show_default="unknown")] = None,
    longitude: Annotated[float | None, typer.Option(help="Degrees.", show_default="unknown")] = None,
    more: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="One of the market's own columns.", show_default=False),
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say why, and show comparables.")] = False,
    model: Annotated[
        str | None,
        typer.Option(
            help="A folder with model.onnx and manifest.json, or champion: loaded and run here.",
            show_default="the stack's POST /price",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Price one home: the price, its interval, and how sure the model is; with --explain the reasons, too.

    The stack's POST /price is asked, where it has one; with --model, or --set, the model is loaded and run here.
    """
    from belo.score.ask import ask
    from belo.score.printed_answer import show
    from terminal.display import print_json
    from terminal.stack import Stack

    fields: dict[str, Any] = {
        "neighborhood": neighborhood,
        "area_m2": area,
        "rooms": rooms,
        "garage_places": garage,
        "adm_fees": fee,
        "address": address,
        "latitude": latitude,
        "longitude": longitude,
    }
    stack = Stack.find(os.environ) if model is None and not more else None
    if stack and stack.price_url:
        answer, market = ask(stack, stack.price_url, fields, explain=explain), None
    else:
        answer, market = _priced_here(model or "champion", fields, more or [], explain=explain)
    if json:
        print_json(answer)
    else:
        show(answer, market)


def _priced_here(
    model: str, fields: dict[str, Any], more: list[str], *, explain: bool
) -> "tuple[Answer, Market | None]":
    from belo.score.explain_file import listing_of, open_explainer
    from pricing.answer.answer import answers

    ready = open_model(model)
    listing = listing_of(fields, more, ready)
    (answer,) = open_explainer(model, ready).answers([listing]) if explain else answers(ready, [listing])
    if answer is None:
        raise Failure(f"version {ready.manifest.version} has no price for this home")
    return answer, ready.manifest.market


def explain(
    file: Annotated[Path, typer.Argument(help="Listings: CSV, JSON, Parquet or Excel; - is standard input.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="JSON Lines.", show_default="standard output")
    ] = None,
    model: ChosenModel = "champion",
    delimiter: Delimiter = None,
    decimal: DecimalMark = None,
    encoding: Encoding = None,
    columns: Map = None,
    id_column: IdColumn = None,
    strict: Strict = False,
    rejects: Rejects = None,
    max_invalid: MaxInvalid = None,
) -> None:
    """Price a file and say why: a line of JSON a row with price, confidence, reasons and comparables.

    What a group of inputs multiplies the typical home's price by stands in `factors`. Rows that cannot be priced have
    an `error` instead; more than --max-invalid of them make the exit code 1.
    """
    from belo.score.explain_file import explain_file, open_explainer
    from belo.score.price_file import market_of
    from listing_files.rejects import Reading
    from listing_files.rejects import Rejects as Refused
    from terminal import display
    from terminal.signals import ended_by_signals

    options = file_options(delimiter, decimal, encoding, columns, id_column, strict=strict)
    explainer = open_explainer(model, open_model(model))
    with (
        Refused("has no price", rejects, max_invalid) as refused,
        ended_by_signals("belo explain"),
        display.doing("Explaining") as step,
    ):
        market = market_of(explainer.model)
        reading = Reading(market, options, lambda words: display.say(words, "dim"), display.warn, refused)
        rows, without = explain_file(file, output, explainer, step, reading)
    refused.sum_up()
    display.say(f"{rows:,} rows, {without:,} of them without a price")
    if rows and without == rows:
        raise Failure(f"{file}: not one row could be priced")
    if why := refused.verdict(str(file), allowed=None):
        raise Failure(why)
