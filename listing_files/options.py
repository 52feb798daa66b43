"""The options of every command that reads a file: one set of rules for all."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from listing_files.reading import Options
from terminal.errors import UsageFailure

_PANEL = "How the file is read (found, where nothing is said)"

Delimiter = Annotated[
    str | None, typer.Option("--delimiter", metavar="CHAR", help="Of CSV: , ; | or tab.", rich_help_panel=_PANEL)
]
DecimalMark = Annotated[
    str | None,
    typer.Option(
        "--decimal", metavar="MARK", help="Of numbers: . or , (the other one groups).", rich_help_panel=_PANEL
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option("--encoding", metavar="NAME", help="utf-8, windows-1252, utf-16 ...", rich_help_panel=_PANEL),
]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map", metavar="FIELD=COLUMN", help="Which column holds a field; may be repeated.", rich_help_panel=_PANEL
    ),
]
IdColumn = Annotated[
    str | None,
    typer.Option(
        "--id-column", metavar="COLUMN", help="Which column holds the ids of listings.", rich_help_panel=_PANEL
    ),
]
Strict = Annotated[
    bool,
    typer.Option("--strict", help="Refuse a row for an optional value that cannot be read.", rich_help_panel=_PANEL),
]
Rejects = Annotated[
    Path | None,
    typer.Option(
        "--rejects",
        metavar="FILE",
        help="Keep refused rows, as CSV, with line, column, value and reason.",
        rich_help_panel=_PANEL,
    ),
]
MaxInvalid = Annotated[
    int | None,
    typer.Option(
        "--max-invalid", min=0, metavar="N", help="So many refused rows are no failure.", rich_help_panel=_PANEL
    ),
]


def file_options(
    delimiter: str | None,
    decimal: str | None,
    encoding: str | None,
    columns: Sequence[str] | None,
    id_column: str | None,
    *,
    strict: bool,
) -> Options:
    """Return what was said of a file; raises `UsageFailure` naming the option and the value."""
    if delimiter is not None and delimiter not in (",", ";", "|", "\t", "tab", "\\t"):
        raise UsageFailure(f"--delimiter: expected , ; | or tab, got {delimiter}")
    if decimal is not None and decimal not in (".", ","):
        raise UsageFailure(f"--decimal: expected . or , and got {decimal}")
    if delimiter == decimal == ",":
        raise UsageFailure("--delimiter , and --decimal , at once: no value could be told from the next")
    chosen: dict[str, str] = {}
    for each in columns or ():
        name, equals, column = each.partition("=")
        if not (name and equals and column):
            raise UsageFailure(f"--map: expected FIELD=COLUMN, such as area_m2=usableAreas, got {each}")
        if name in chosen:
            raise UsageFailure(f"--map: {name} is mapped twice, to {chosen[name]} and to {column}")
        chosen[name] = column
    if id_column is not None:
        chosen["listing_id"] = id_column
    return Options(delimiter=delimiter, decimal=decimal, encoding=encoding, columns=chosen, strict=strict)
