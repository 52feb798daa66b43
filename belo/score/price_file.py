"""A file of listings priced without a stream, by the lines that price the stream: row by row, in order."""

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from listing_files.listings import LISTINGS, ListingReader, ReadRow, RowReader
from listing_files.rejects import Reading
from listing_files.row_writers import Added
from listing_files.writing import open_sink
from pricing.listing import Listing
from pricing.manifest import ContractMismatch
from pricing.market import Market
from pricing.model import Model, load
from pricing.refusal import InvalidRecord
from terminal.errors import Failure
from training.registry.models_bucket import ModelsBucket

ADDED = ("predicted_price", "low", "high", "confidence", "warnings", "error")
_ADDED = frozenset(ADDED)

CHUNK = 4_000  # rows a run of the model


class PricedRows(NamedTuple):
    """Rows as they were read, and the columns of `ADDED`, with a value for each of them."""

    read: list[ReadRow]
    added: Added


def priced(rows: Iterable[ReadRow], listings: ListingReader, model: Model) -> Iterator[PricedRows]:
    """Yield the rows in order and in chunks, with `ADDED`: prices, confidence and warnings, or None and an error.

    Prices are in the currency of the model's market, warnings stand side by side with ; between them. A row that cannot
    be read comes out with its error alone. `price` is never read. Memory holds one chunk. Raises `Failure` for a row
    that has a column of these names.
    """
    rows = iter(rows)
    while chunk := list(islice(rows, CHUNK)):
        for each in chunk:
            if not each.row.keys().isdisjoint(_ADDED):
                _refuse_taken(each.row)
        yield PricedRows(chunk, _added([read_listing(each, listings, model) for each in chunk], model))


def _refuse_taken(columns: Iterable[str]) -> None:
    if taken := ", ".join(name for name in columns if name in _ADDED):
        raise Failure(f"the column {taken} is there already, and would be overwritten: rename it")


def _added(found: list[Listing | str], model: Model) -> Added:
    """Price listings; what is no listing is the reason why."""
    said = model.price([each for each in found if isinstance(each, Listing)])
    amounts = (said.prices.price, said.prices.low, said.prices.high)
    warnings = [";".join(each) or None for each in said.warnings]
    columns: list[list[object]] = [*(each.tolist() for each in amounts), [*said.prices.confidence], [*warnings]]
    errors: list[str | None] = [None] * len(warnings)
    for row in np.flatnonzero(np.isnan(said.prices.price)).tolist():
        errors[row] = "unscorable: no finite price"
        for column in columns:
            column[row] = None
    for row, error in enumerate(found):
        if isinstance(error, str):
            errors.insert(row, error)
            for column in columns:
                column.insert(row, None)
    return dict(zip(ADDED, (*columns, errors), strict=True))


def read_listing(read: ReadRow, listings: ListingReader, model: Model) -> Listing | str:
    """Return the listing of a row, or why it is none; a row may be an event as it stands on the stream."""
    try:
        if "specversion" in read.row:  # an event as it stands on the stream
            return model.decode(msgspec.json.encode(read.row, enc_hook=str)).data
        return listings.listing(read, f"L-{read.number}")
    except InvalidRecord as error:
        return str(error)


@dataclass(frozen=True, slots=True)
class Count:
    """Rows written, and how many of them have no price, or one with warnings."""

    rows: int
    refused: int
    warned: int


def score_file(
    file: Path, output: Path | None, model: Model, step: Callable[[int], object], reading: Reading | None = None
) -> Count:
    """Price a file into another, or to standard output; call `step` with each chunk's rows.

    The output appears under its name only when it is whole. Raises `Failure` for a column that is there already.
    """
    reading = reading or Reading(market_of(model))
    count = warned = refused = 0
    rows = RowReader(file, LISTINGS, reading.market, reading.options, say=reading.say)
    listings = ListingReader(rows, reading.market, strict=reading.options.strict)
    with open_sink(output, file) as begin, _collector_at_ease():
        chunks = priced(rows, listings, model)
        first = next(chunks, PricedRows([], dict.fromkeys(ADDED, ())))
        _refuse_taken(rows.names)
        write = begin(rows.names or _own(first.read), ADDED)
        for read, added in chain([first], chunks):
            write([each.row for each in read], added)
            count += len(read)
            warned += len(read) - added["warnings"].count(None)
            for each, error in zip(read, added["error"], strict=True):
                if error is not None:
                    refused += 1
                    if reading.rejects:
                        reading.rejects.refuse(each, InvalidRecord("invalid_listing", str(error)), rows.columns)
            step(len(read))
    rows.sum_up(reading.warn)
    return Count(count, refused, warned)


@contextmanager
def _collector_at_ease() -> Iterator[None]:
    """Keep the garbage collector from going through libraries and model every few chunks: they stay."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _own(rows: list[ReadRow]) -> list[str]:
    """Return the columns that any of these rows has, in the order of their coming."""
    return list(dict.fromkeys(name for each in rows for name in each.row))


def market_of(model: Model) -> Market:
    """Return the market that a model is for; raises `Failure` for one that names none, and several are known."""
    from listing_files.market_file import find_market

    return model.manifest.market or find_market({})


def open_champion(bucket: ModelsBucket) -> Model:
    """Return the champion of a models bucket; raises `Failure` where there is none that can be served."""
    found = bucket.champion()
    if found is None:
        raise Failure("no champion was promoted yet: run `belo promote`, or name a folder with --model")
    return _load(f"champion {found[0].version}", *bucket.get_version(found[0].version))


def open_folder(folder: Path) -> Model:
    """Return the model in a folder; raises `Failure` where there is none that can be served."""
    try:
        files = [(folder / name).read_bytes() for name in ("model.onnx", "manifest.json")]
    except OSError as error:
        raise Failure(f"{folder}: no model: {error.strerror} ({Path(error.filename).name})") from None
    return _load(str(folder), *files)


def _load(name: str, model: bytes, manifest: bytes) -> Model:
    try:
        return load(model, manifest)
    except ContractMismatch as error:
        raise Failure(f"{name}: {error}") from error
