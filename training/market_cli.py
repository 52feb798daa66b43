"""`belo market new`: a market file drafted from a file of listings."""

from pathlib import Path
from typing import Annotated

import typer

from listing_files.options import DecimalMark, Delimiter, Encoding, Map, file_options

market = typer.Typer(
    help="Markets: what is particular to a city, one file each (docs/another-city.md).", no_args_is_help=True
)


@market.command("new")
def new(
    name: Annotated[str, typer.Argument(help="Of the market: a-z, 0-9 and -, such as porto-alegre.")],
    file: Annotated[
        Path, typer.Option("--from", metavar="FILE", help="Listings with prices: CSV, JSON, Parquet, Excel.")
    ],
    currency: Annotated[
        str, typer.Option(help="Of the prices, ISO 4217.", metavar="EUR", prompt="Currency of the prices (ISO 4217)")
    ],
    city: Annotated[str | None, typer.Option(help="Its name; else what most rows say.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where it goes.", show_default="standard output")
    ] = None,
    area_unit: Annotated[
        str, typer.Option(help="Of areas whose columns state none: m2 or sqft.", metavar="UNIT")
    ] = "m2",
    delimiter: Delimiter = None,
    decimal: DecimalMark = None,
    encoding: Encoding = None,
    columns: Map = None,
) -> None:
    """Draft a market file from listings: box, limits, columns. What it guessed it says; read it before you train."""
    import msgspec

    from pricing.market import InvalidMarket
    from terminal.display import say
    from terminal.errors import UsageFailure
    from training.data.market_draft import Named, draft

    options = file_options(delimiter, decimal, encoding, columns, None, strict=False)
    try:
        named = msgspec.convert((name, city, currency.upper(), area_unit, decimal or "."), Named)
        found = draft(file, named, options, say)
    except msgspec.ValidationError:
        raise UsageFailure(f"--area-unit: expected m2 or sqft, got {area_unit}") from None
    except InvalidMarket as error:
        raise UsageFailure(str(error)) from None
    text = "# Drafted from a file of listings; read every line: docs/another-city.md says what each means.\n"
    text += msgspec.yaml.encode(found).decode()
    if output is None:
        typer.echo(text, nl=False)
        return
    output.write_text(text, encoding="utf-8")
    say(f"{output}: check it, then BELO_MARKET={output} belo train FILE")
