"""`belo score`."""

from pathlib import Path
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
from terminal.errors import Failure
from training.cli import open_models_bucket

if TYPE_CHECKING:
    from pricing.model import Model


ChosenModel = Annotated[str, typer.Option(help="A folder with model.onnx and manifest.json, or the stack's champion.")]


def score(
    file: Annotated[Path, typer.Argument(help="Listings: CSV, JSON, Parquet or Excel; - is standard input.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="CSV, JSON Lines or Parquet, by suffix.", show_default="standard output"),
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
    """Price a file without a stream: one row in, one row out, in order; `price` is never read.

    Rows that cannot be priced say why in the column error. Where none can, or more than --max-invalid, the exit code
    is 1.
    """
    from belo.score.price_file import market_of, score_file
    from listing_files.rejects import Reading
    from listing_files.rejects import Rejects as Refused
    from terminal import display
    from terminal.signals import ended_by_signals

    options = file_options(delimiter, decimal, encoding, columns, id_column, strict=strict)
    ready = open_model(model)
    with (
        Refused("has no price", rejects, max_invalid) as refused,
        ended_by_signals("belo score"),
        display.doing("Scoring") as step,
    ):
        reading = Reading(market_of(ready), options, lambda words: display.say(words, "dim"), display.warn, refused)
        count = score_file(file, output, ready, step, reading)
    refused.sum_up()
    warned = f", {count.warned:,} with warnings" if count.warned else ""
    display.say(f"{count.rows:,} rows, {count.refused:,} of them without a price (column error says why){warned}")
    if count.rows and count.refused == count.rows:
        raise Failure(f"{file}: not one row could be priced")
    if why := refused.verdict(str(file), allowed=None):
        raise Failure(why)


def ratio_study(
    file: Annotated[Path, typer.Argument(help="Listings with prices: CSV, JSON, Parquet or Excel.")],
    model: ChosenModel = "champion",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    delimiter: Delimiter = None,
    decimal: DecimalMark = None,
    encoding: Encoding = None,
    columns: Map = None,
    strict: Strict = False,
    rejects: Rejects = None,
    max_invalid: MaxInvalid = None,
) -> None:
    """Hold a model's prices against those of a file: COD, PRD, PRB, MKI, with intervals and the IAAO's limits.

    What the model was trained on flatters it: name listings that it has not learnt.
    """
    from rich.console import Console
    from rich.markdown import Markdown

    from belo.score.fairness_of_file import study_file
    from belo.score.price_file import market_of
    from listing_files.rejects import Reading
    from listing_files.rejects import Rejects as Refused
    from terminal import display
    from training.evaluation.fairness import fairness_sentence, fairness_table

    options = file_options(delimiter, decimal, encoding, columns, None, strict=strict)
    ready = open_model(model)
    with Refused("is left out", rejects, max_invalid) as refused, display.doing("Pricing") as step:
        reading = Reading(market_of(ready), options, lambda words: display.say(words, "dim"), display.warn, refused)
        found = study_file(file, ready, reading, step)
    refused.sum_up()
    if json:
        display.print_json(found)
    else:
        display.say(f"{found['n']:,} listings, {found['left_out']:,} left out; version {found['model']}")
        Console().print(Markdown(f"{fairness_table(found)}\n\n{fairness_sentence(found)}"))
    if why := refused.verdict(str(file), allowed=None):
        raise Failure(why)


def open_model(name: str) -> "Model":
    """Return the stack's champion, or the model in a folder; raises `Failure` where there is none to be served."""
    from belo.score.price_file import open_champion, open_folder

    return open_champion(open_models_bucket()) if name == "champion" else open_folder(Path(name))
