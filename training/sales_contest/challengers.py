"""Who challenges the champion in a retraining: the champion rescaled by one factor, and its recipe trained anew.

Asking prices of the reference file and older sales are brought to today's level first, as the champion sees them: what
they say of streets and sizes is worth keeping, their level is not.
"""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import numpy as np
import pandas as pd

from pricing.manifest import Input, Manifest, Offsets, PlaceNames
from pricing.reference import Reference
from training.arrays import Log
from training.data.frames import FIELDS, PLACES
from training.data.groups import group_keys
from training.data.listings import Dataset
from training.evaluation.conformal import calibrate, encode_folds, out_of_fold
from training.export.onnx_model import check_parity, run_onnx
from training.export.reference import reference
from training.model.candidates import CANDIDATES, CHAMPION, one_thread
from training.model.training_part import Rows, prepare
from training.params import Params
from training.sales_contest import rescale
from training.sales_contest.sales import Sales

COLUMNS = [*FIELDS, *PLACES.values(), "price"]


@dataclass(frozen=True, slots=True)
class Served:
    """The champion as it serves."""

    model: bytes
    manifest: Manifest

    def log_prices(self, frame: pd.DataFrame) -> Log:
        """Return its log prices of a frame, shape (N,)."""
        return run_onnx(self.model, frame, self.manifest.place_names)


@dataclass(frozen=True, slots=True)
class Challenger:
    """A model that wants to serve, exported and checked, without a version yet.

    `predicted` are its log prices of the fresh sales, each from a fit that saw no sale of its group; what would serve
    is fitted on all of them. `learnt` are the listings that it was fitted on, apart from the champion's if it
    `inherits`.
    """

    name: str
    predicted: Log
    model: bytes
    inputs: list[Input]
    offsets: Offsets
    reference: Reference
    facts: dict[str, float]
    learnt: pd.DataFrame
    inherits: bool
    place_names: PlaceNames


Trainer = Callable[[Served, Sales, Dataset | None, Params], list[Challenger]]


def challengers(champion: Served, sales: Sales, listings: Dataset | None, params: Params) -> list[Challenger]:
    """Return all challengers; without a reference file the champion's recipe cannot be trained anew."""
    with one_thread():
        predicted = champion.log_prices(sales.frame)
        found = [rescaled(champion, sales, predicted, params)]
        return [*found, retrained(champion, sales, predicted, listings, params)] if listings else found


def rescaled(champion: Served, sales: Sales, predicted: Log, params: Params) -> Challenger:
    """Return the champion with one factor on its prices and one on the width of its intervals."""
    fresh, predicted_fresh = sales.fresh, predicted[sales.fresh]
    errors = sales.log_price[fresh] - predicted_fresh
    held_out = rescale.cross_fitted_level(errors, sales.groups[fresh], params.seed)
    by = rescale.fit(errors, predicted_fresh, champion.manifest.interval)
    return Challenger(
        name="rescaled",
        predicted=predicted_fresh + held_out,
        model=rescale.apply(champion.model, by),
        inputs=champion.manifest.inputs,
        offsets=rescale.offsets(champion.manifest.interval, by),
        reference=rescale.reference(msgspec.convert(champion.manifest.reference, Reference), by, errors - held_out),
        facts={"factor": float(np.exp(by.level)), "interval_width": by.width},
        learnt=sales.frame[fresh],
        inherits=True,
        place_names=champion.manifest.place_names,
    )


def retrained(champion: Served, sales: Sales, predicted: Log, listings: Dataset, params: Params) -> Challenger:
    """Return the champion's recipe, trained on the reference file and the sales, all at today's level.

    A sale counts for as many listings as it weighs. Raises `Failure` where ONNX and scikit-learn differ.
    """
    level = rescale.fit_level((sales.log_price - predicted)[sales.fresh])
    asked = np.log(listings.frame["price"].to_numpy(dtype=np.float64))
    asking_level = rescale.fit_level(asked - champion.log_prices(listings.frame))
    frame = pd.concat([listings.frame[COLUMNS], sales.frame[COLUMNS]], ignore_index=True)
    log_price = np.concatenate([asked + level - asking_level, _at_level(sales, predicted, level)])
    rows = _weighted(Rows(frame, log_price, group_keys(frame)), sales, len(asked))
    candidate = CANDIDATES[CHAMPION]
    held_out = out_of_fold(candidate, rows, encode_folds(rows, params, params.seed), params)
    pricer = candidate(prepare(rows, params, params.seed), params)
    model = pricer.onnx()
    parity = check_parity(pricer, model, frame, params.export.parity)
    held_out_fresh = held_out[len(asked) : len(frame)][sales.fresh]
    return Challenger(
        name="retrained",
        predicted=held_out_fresh,
        model=model,
        inputs=list(pricer.inputs),
        offsets=calibrate(held_out, rows.log_price, params),
        reference=reference(frame, run_onnx(model, frame), sales.log_price[sales.fresh] - held_out_fresh),
        facts={"rows": len(frame), "weight": len(rows.log_price), "parity": parity.worst},
        learnt=frame,
        inherits=False,
        place_names="key",
    )


def _at_level(sales: Sales, predicted: Log, level: float) -> Log:
    """Return log prices of the sales, those from before the newest regime moved to its level."""
    old = ~sales.fresh
    adjusted = sales.log_price.copy()
    if old.any():
        adjusted[old] += level - rescale.fit_level((sales.log_price - predicted)[old])
    return adjusted


def _weighted(rows: Rows, sales: Sales, first_sale: int) -> Rows:
    """Return the rows, and after them the sales once more for every further listing that they count for."""
    again = np.repeat(np.arange(len(sales.weights)) + first_sale, sales.weights - 1)
    order = np.concatenate([np.arange(len(rows.log_price)), again])
    return Rows(rows.frame.iloc[order].reset_index(drop=True), rows.log_price[order], rows.groups[order])
