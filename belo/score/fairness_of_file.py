"""A file of listings with prices held against a model's: the ratio study, whole, by tercile and by neighbourhood."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lambdas.drift.ratio_study import FEWEST
from listing_files.listings import PRICED_LISTINGS, ListingReader, RowReader
from listing_files.rejects import Reading
from pricing.listing import Features, features
from pricing.model import Model
from pricing.refusal import InvalidRecord
from terminal.errors import Failure
from training.data.frames import to_frame
from training.data.groups import group_keys
from training.evaluation.fairness import fairness, studies
from training.model.training_part import Rows

if TYPE_CHECKING:
    from pricing.prediction import Confidence

CHUNK = 5_000  # listings a run of the model
NAMED = 30  # homes that a neighbourhood must have to be a study of its own


def study_file(file: Path, model: Model, reading: Reading, step: Callable[[int], object]) -> dict[str, Any]:
    """Return the study of a file's listings, priced by a model, against the prices that the file states.

    `left_out` counts rows that are no listing with a price of the population. Raises `Failure` where too few are left.
    """
    homes, actual, left_out = _read(file, reading)
    if len(homes) < 3 * FEWEST:
        raise Failure(f"{file}: {len(homes)} listings with a price; {3 * FEWEST} are needed")
    predicted = np.empty(len(homes))
    sure: list[Confidence | None] = []
    for first in range(0, len(homes), CHUNK):
        part = homes[first : first + CHUNK]
        said = model.predict(part)
        predicted[first : first + CHUNK] = said.price
        sure += said.confidence
        step(len(part))
    usable = np.isfinite(predicted)
    frame = to_frame(homes, reading.market).assign(price=actual)[usable].reset_index(drop=True)
    rows = Rows(frame, np.log(actual[usable]), group_keys(frame))
    found = fairness(rows, np.log(predicted[usable]), np.array(sure)[usable].tolist()) or {}
    return (
        {"model": model.manifest.version, "left_out": left_out + int((~usable).sum())}
        | found
        | {"by_neighborhood": _by_place(rows, predicted[usable])}
    )


def _read(file: Path, reading: Reading) -> tuple[list[Features], Any, int]:
    rows = RowReader(file, PRICED_LISTINGS, reading.market, reading.options, say=reading.say, only_read=True)
    listings = ListingReader(rows, reading.market, strict=reading.options.strict)
    homes: list[Features] = []
    prices: list[float] = []
    left_out = 0
    for read in rows:
        try:
            home = features(listings.listing(read, "-"), reading.market)
        except InvalidRecord as error:
            left_out += 1
            if reading.rejects:
                reading.rejects.refuse(read, error, rows.columns)
            continue
        price = read.found.get("price") if isinstance(read.found, dict) else None
        if isinstance(price, float) and reading.market.population.holds(price, home.area_m2):
            homes.append(home)
            prices.append(price)
        else:
            left_out += 1
    rows.sum_up(reading.warn)
    return homes, np.array(prices), left_out


def _by_place(rows: Rows, predicted: Any) -> dict[str, dict[str, float]]:  # noqa: ANN401 - an array
    places = rows.frame["neighborhood"]
    counts = places.value_counts()
    return studies(np.exp(rows.log_price), predicted, places.to_numpy(), counts[counts >= NAMED].index)
