"""Runs the notebook of exploration: `python -m training.explore [FILE] [--plots FOLDER]`."""

import os
from pathlib import Path
from typing import Annotated

import typer

NOTEBOOK = Path(__file__).with_name("eda.ipynb")
OUTPUT = Path("build/eda.ipynb")
TIMEOUT = 300  # seconds a cell


def explore(
    file: Annotated[Path | None, typer.Argument(envvar="DATA", help="Listings; without, the generated sample.")] = None,
    plots: Annotated[Path | None, typer.Option(help="A folder for the plots as PNG.")] = None,
    output: Annotated[Path, typer.Option(help="Where the notebook with its results goes.")] = OUTPUT,
) -> None:
    """Run `training/eda.ipynb` on a file and keep the result."""
    import nbformat
    from nbclient import NotebookClient

    os.environ["DATA"] = str(file.resolve()) if file else ""
    os.environ["EDA_PLOTS"] = str(plots.resolve()) if plots else ""
    os.environ["PYTHONPATH"] = str(NOTEBOOK.parents[1])
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=TIMEOUT, kernel_name="python3").execute()
    output.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, output)  # type: ignore[no-untyped-call]
    typer.echo(output)


if __name__ == "__main__":
    typer.run(explore)
