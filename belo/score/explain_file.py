"""Explaining one home or a file of them: where the comparables are, and how rows become lines of JSON."""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from belo.score.price_file import read_listing
from listing_files.listings import LISTINGS, ListingReader, RowReader
from listing_files.rejects import Reading
from listing_files.writing import JSON_LINES, open_sink
from pricing.answer.answer import Explainer
from pricing.listing import Listing
from pricing.manifest import ContractMismatch
from pricing.model import Model
from pricing.normalise import normalise
from pricing.refusal import InvalidRecord
from terminal.errors import Failure, UsageFailure
from training.cli import open_models_bucket
from training.registry.models_bucket import open_comparables

CHUNK = 200  # rows a run of the model, which prices 2 x 64 coalitions of each


def open_explainer(name: str, model: Model) -> Explainer:
    """Return the explainer of the champion, or of the version in a folder, with its comparables.

    Raises `Failure` where the version keeps no reasons, or its comparables are not what its manifest says.
    """
    manifest = model.manifest
    if name == "champion":
        found = open_models_bucket().comparables(manifest)
    else:
        file = Path(name) / "comparables.json.gz"
        wanted = manifest.comparables_sha256 is not None and file.exists()
        found = open_comparables(file.read_bytes(), manifest) if wanted else None
    try:
        return Explainer(model, found)
    except ContractMismatch as error:
        raise Failure(f"version {manifest.version} gives no reasons: {error}") from None


def listing_of(fields: Mapping[str, Any], more: Sequence[str], model: Model) -> Listing:
    """Return the listing that options describe; `more` are the market's own columns, NAME=VALUE.

    Raises `UsageFailure` naming field and value.
    """
    market = model.manifest.market
    columns = market.columns if market else {}
    own: dict[str, Any] = {}
    for text in more:
        name, _, value = text.partition("=")
        if name not in columns or not value:
            raise UsageFailure(f"--set: expected NAME=VALUE, NAME one of {', '.join(columns) or 'none'}; got {text}")
        try:
            own[name] = value if columns[name].type == "text" else float(value)
        except ValueError:
            raise UsageFailure(f"--set {name}: expected a number, got {value}") from None
    try:
        return normalise({**fields, **own}, "asked", model.listing_type)
    except InvalidRecord as error:
        raise UsageFailure(str(error)) from None


def explain_file(
    file: Path, output: Path | None, explainer: Explainer, step: Callable[[int], object], reading: Reading
) -> tuple[int, int]:
    """Write a line of JSON for each row of a file; return how many there are, and how many have no price."""
    if output and output.suffix.lower() not in JSON_LINES:
        raise UsageFailure(f"{output}: explanations are JSON Lines, use .jsonl")
    rows = RowReader(file, LISTINGS, reading.market, reading.options, say=reading.say)
    listings = ListingReader(rows, reading.market, strict=reading.options.strict)
    count = without = 0
    every = iter(rows)
    with open_sink(output, Path("rows.jsonl")) as begin:
        write = begin([], [])
        while chunk := list(islice(every, CHUNK)):
            found = [read_listing(each, listings, explainer.model) for each in chunk]
            answered = iter(explainer.answers([each for each in found if isinstance(each, Listing)]))
            for read, listing in zip(chunk, found, strict=True):
                answer = next(answered) if isinstance(listing, Listing) else None
                error = listing if isinstance(listing, str) else "unscorable: no finite price"
                said = {"error": error} if answer is None else msgspec.to_builtins(answer)
                write([{"row": read.number, **said}], {})
                if answer is None:
                    without += 1
                    if reading.rejects:
                        reading.rejects.refuse(read, InvalidRecord("invalid_listing", error), rows.columns)
            count += len(chunk)
            step(len(chunk))
    rows.sum_up(reading.warn)
    return count, without
