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

    from pricing.market import InvalidMarket, describe
    from terminal.display import say
    from terminal.errors import UsageFailure
    from training.data.market_draft import Named, draft

    options = file_options(delimiter, decimal, encoding, columns, None, strict=False)
    try:
        said = {
            "name": name,
            "city": city,
            "currency": currency.upper(),
            "area_unit": area_unit,
            "decimal": decimal or ".",
        }
        named = msgspec.convert(said, Named)
        found = draft(file, named, options, say)
    except msgspec.ValidationError as error:
        raise UsageFailure(describe(error)) from None
    except InvalidMarket as error:
        raise UsageFailure(str(error)) from None
    text = "# Drafted from a file of listings; read every line: docs/another-city.md says what each means.\n"
    text += msgspec.yaml.encode(found).decode()
    if output is None:
        typer.echo(text, nl=False)
        return
    output.write_text(text, encoding="utf-8")
    say(f"{output}: check it, then BELO_MARKET={output} belo train FILE")


def schema_text() -> str:
    """Return the JSON Schema of market files."""
    import msgspec

    from pricing.market import Market

    return msgspec.json.format(msgspec.json.encode(msgspec.json.schema(Market)), indent=1).decode() + "\n"


@market.command("schema")
def schema() -> None:
    """Print the JSON Schema of market files, for an editor to check them by."""
    typer.echo(schema_text(), nl=False)


@market.command("check")
def check(file: Annotated[Path, typer.Argument(help="A market file.")]) -> None:
    """Check a market file; what is wrong is named by field and value."""
    from listing_files.market_file import read_market
    from terminal.display import say

    found = read_market(file)
    say(f"{file}: {found.city}, prices in {found.currency}, {len(found.columns)} further columns")
