"""`belo score`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from training.cli import open_models_bucket


def score(
    file: Annotated[Path, typer.Argument(help="Listings: CSV, JSON Lines or Parquet; - is standard input.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="CSV, JSON Lines or Parquet, by suffix.", show_default="standard output"),
    ] = None,
    model: Annotated[
        str, typer.Option(help="A folder with model.onnx and manifest.json, or the stack's champion.")
    ] = "champion",
) -> None:
    """Price a file without a stream: one row in, one row out, in order; `price` is never read."""
    from belo.score.price_file import score_file
    from terminal import display
    from terminal.signals import ended_by_signals

    with ended_by_signals("belo score"), display.doing("Scoring") as step:
        count = score_file(file, output, _model(model), step)
    display.say(f"{count.rows:,} rows, {count.refused:,} of them without a price (column error says why)")


def _model(name: str) -> Any:  # noqa: ANN401 - as above
    from belo.score.price_file import open_champion, open_folder

    return open_champion(open_models_bucket()) if name == "champion" else open_folder(Path(name))
