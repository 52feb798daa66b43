"""The commands of a model's life, and batch scoring; `belo.cli` registers them.

What is heavy is imported inside the functions, so that `belo --help` is fast.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from listing_files.options import DecimalMark, Delimiter, Encoding, Map, MaxInvalid, Rejects, Strict, file_options

if TYPE_CHECKING:
    from listing_files.reading import Options
    from pricing.market import Market
    from training.data.listings import Dataset
    from training.registry.models_bucket import ModelsBucket

File = Annotated[
    Path | None,
    typer.Argument(envvar="DATA", show_default="the generated sample", help="Listings: CSV, JSON, Parquet or Excel."),
]
Seed = Annotated[
    int | None,
    typer.Option(min=0, max=2**31 - 1, help="Seed of splits, folds and learners.", show_default="params.yaml"),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def train(
    file: File = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="No search: the knobs of params.yaml, under a minute.")
    ] = False,
    seed: Seed = None,
    delimiter: Delimiter = None,
    decimal: DecimalMark = None,
    encoding: Encoding = None,
    columns: Map = None,
    strict: Strict = False,
    rejects: Rejects = None,
    max_invalid: MaxInvalid = None,
) -> None:
    """Train a model on listings, check it, and register it in MLflow as the next version."""
    import os

    from terminal import display
    from training.model.cores import cores_of_machine

    options = file_options(delimiter, decimal, encoding, columns, None, strict=strict)
    # First, so that all processes import what they need at once; a spare one for the search, whose folds are five.
    with cores_of_machine(spare=0 if quick else 1) as cores:
        from training import printing
        from training.params import choose_params
        from training.registry.mlflow_registry import Registry
        from training.train import train as run

        params = choose_params(seed=seed, quick=quick, environ=os.environ)
        data = _load(file, params.market, options, rejects, max_invalid)
        printing.say_data(data)
        with display.stages() as tell:
            manifest = run(data, params, Registry.open(os.environ), tell, cores)
    printing.show_manifest(manifest)


def _load(
    file: Path | None, market: "Market", options: "Options", rejects: Path | None, max_invalid: int | None
) -> "Dataset":
    """Return the listings of a file; raises `Failure` where more rows are refused than may be."""
    from listing_files.rejects import Reading
    from listing_files.rejects import Rejects as Refused
    from terminal.display import say, warn
    from terminal.errors import Failure
    from training.data.load import load_data

    with Refused("is left out", rejects, max_invalid) as refused:
        reading = Reading(market, options, lambda words: say(words, "dim"), warn, refused)
        data = load_data(file, reading)
    refused.sum_up()
    if why := refused.verdict(str(file), allowed=None):
        raise Failure(why)
    return data


def evaluate(
    file: File = None,
    json: Json = False,
    seed: Seed = None,
    delimiter: Delimiter = None,
    decimal: DecimalMark = None,
    encoding: Encoding = None,
    columns: Map = None,
    strict: Strict = False,
    rejects: Rejects = None,
    max_invalid: MaxInvalid = None,
) -> None:
    """Measure the champion's recipe and the baseline on ten splits by group of listings."""
    import os

    from terminal import display
    from training import printing
    from training.evaluation.splits import document
    from training.model.candidates import one_thread
    from training.params import choose_params
    from training.registry.mlflow_registry import Registry
    from training.train import test_of_version

    options = file_options(delimiter, decimal, encoding, columns, None, strict=strict)
    params = choose_params(seed=seed, environ=os.environ)
    data = _load(file, params.market, options, rejects, max_invalid)
    printing.say_data(data)
    with display.counting("Splits", params.split.splits) as step, one_thread():
        version, test = test_of_version(data, params, Registry.open(os.environ))
        printing.show_figures(document(data, params, test, version, step), as_json=json)


def promote(
    version: Annotated[str | None, typer.Argument(help="A registered version.", show_default="the newest")] = None,
    auto: Annotated[bool, typer.Option("--auto", help="Only if it passes the judge's gate.")] = False,
) -> None:
    """Make a version the champion: upload it, move the pointer, let the registry's alias follow."""
    import os

    from training import printing
    from training.params import choose_params
    from training.promotion.auto_promotion import ask_the_judge, promote_judged
    from training.promotion.promote import newest
    from training.promotion.promote import promote as move
    from training.registry.mlflow_registry import Registry

    bucket, registry = open_models_bucket(to_write=True), Registry.open(os.environ)
    chosen = version or newest(registry)
    seen = bucket.champion()
    if auto and not (seen and seen[0].version == chosen):
        verdict = ask_the_judge(chosen, registry, bucket, choose_params(environ=os.environ).judge)
        printing.show_verdict(verdict)
        printing.show_pointer(promote_judged(verdict, registry, bucket))
    else:
        printing.show_pointer(move(chosen, registry, bucket, "auto" if auto else "manual"))


def rollback() -> None:
    """Let the version that served before serve again: one write.

    A rollback is not rolled back: `belo promote N` goes further back, or forward again.
    """
    import os

    from terminal import display
    from training import printing
    from training.promotion.promote import record_rollback
    from training.promotion.promote import rollback as back
    from training.registry.mlflow_registry import Registry

    bucket = open_models_bucket(to_write=True)
    pointer = back(bucket)
    printing.show_pointer(pointer)
    try:
        record_rollback(pointer, Registry.open(os.environ), bucket)
    except Exception as error:  # noqa: BLE001 - whatever MLflow raises: a failure would have it rolled back again
        why = str(error).partition("\n")[0]
        way_on = f"`belo promote {pointer.version}` lets the alias follow"
        display.say(f"rolled back; MLflow could not record it ({why}): {way_on}")


def models(json: Json = False) -> None:
    """List the registered versions, which one serves, and whether MLflow and S3 agree on it."""
    import os

    from terminal import display
    from terminal.errors import Failure
    from training import printing
    from training.registry.mlflow_registry import Registry
    from training.registry.overview import overview

    try:
        bucket = open_models_bucket()
    except Failure as error:
        display.say(f"{error}; only the registry is shown")
        bucket = None
    printing.show_overview(overview(Registry.open(os.environ), bucket), as_json=json)


def open_models_bucket(*, to_write: bool = False) -> "ModelsBucket":
    """Return the stack's models bucket, and say where it is before anything is written there."""
    import os

    from terminal.display import say
    from terminal.stack import Stack
    from training.registry.models_bucket import ModelsBucket

    stack = Stack.find(os.environ)
    if to_write:
        say(f"writing to {stack.place(stack.models_bucket)}", "dim")
    return ModelsBucket(stack.client("s3"), stack.models_bucket)
