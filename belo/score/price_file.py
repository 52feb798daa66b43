"""A file of listings priced without a stream, by the lines that price the stream: row by row, in order."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import msgspec

from listing_files.reading import read_rows
from listing_files.row_writers import Row
from listing_files.writing import open_sink
from pricing.listing import Features, decode, features
from pricing.manifest import ContractMismatch
from pricing.model import Model, load
from pricing.normalise import normalise
from pricing.refusal import InvalidRecord
from terminal.errors import Failure
from training.registry.models_bucket import ModelsBucket

ADDED = ("predicted_price", "low", "high", "error")

CHUNK = 1_000  # rows a run of the model

Numbered = tuple[int, Row | InvalidRecord]  # as `read_rows` has them


def priced(rows: Iterator[Numbered], model: Model) -> Iterator[list[Row]]:
    """Yield the rows in order and in chunks, each with `ADDED`: prices in BRL, or None and an error.

    A row that cannot be read comes out with its error alone. `price` is never read. Memory holds one chunk. Raises
    `Failure` for a row that has a column of these names.
    """
    while chunk := list(islice(rows, CHUNK)):
        own: list[Row] = [{} if isinstance(row, InvalidRecord) else row for _, row in chunk]
        for row in own:
            _refuse_taken(row)
        read = [_read(number, row) for number, row in chunk]
        homes = [home for home in read if isinstance(home, Features)]
        prices = model.predict(homes)
        prices_of_rows = zip(prices.price, prices.low, prices.high, strict=True)
        yield [
            row | _verdict(home, *(map(float, next(prices_of_rows)) if isinstance(home, Features) else ()))
            for row, home in zip(own, read, strict=True)
        ]


def _refuse_taken(columns: Iterable[str]) -> None:
    if taken := [name for name in columns if name in ADDED]:
        raise Failure(f"the column {', '.join(taken)} is there already, and would be overwritten: rename it")


def _read(number: int, row: Mapping[str, object] | InvalidRecord) -> Features | str:
    if isinstance(row, InvalidRecord):
        return str(row)
    try:
        if "specversion" in row:  # an event as it stands on the stream
            return features(decode(msgspec.json.encode(row, enc_hook=str)).data)
        return features(normalise({name: row[name] for name in row if name.strip() != "price"}, f"L-{number}"))
    except InvalidRecord as error:
        return str(error)


def _verdict(home: Features | str, *prices: float) -> Row:
    if isinstance(home, str):
        return dict.fromkeys(ADDED) | {"error": home}
    if math.isnan(prices[0]):
        return dict.fromkeys(ADDED) | {"error": "unscorable: no finite price"}
    return dict(zip(ADDED, (*prices, None), strict=True))


@dataclass(frozen=True, slots=True)
class Count:
    """Rows written, and how many of them have no price."""

    rows: int
    refused: int


def score_file(file: Path, output: Path | None, model: Model, step: Callable[[int], object]) -> Count:
    """Price a file into another, or to standard output; call `step` with each chunk's rows.

    The output appears under its name only when it is whole. Raises `Failure` for a column that is there already.
    """
    rows = refused = 0
    columns: list[str] = []
    with open_sink(output, file) as begin:
        chunks = priced(read_rows(file, on_columns=columns.extend), model)
        first = next(chunks, [])
        _refuse_taken(columns)
        write = begin([*(columns or _own(first)), *ADDED])
        for chunk in chain([first], chunks):
            write(chunk)
            rows += len(chunk)
            refused += sum(row["error"] is not None for row in chunk)
            step(len(chunk))
    return Count(rows, refused)


def _own(rows: list[Row]) -> list[str]:
    """Return the columns that any of these rows had before it was priced, in the order of their coming."""
    return [name for name in dict.fromkeys(name for row in rows for name in row) if name not in ADDED]


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
