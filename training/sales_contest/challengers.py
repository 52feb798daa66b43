"""Who challenges the champion in a retraining: the champion rescaled by one factor, and its recipe trained anew.

Where the champion's intervals break their promise, so does the champion with other intervals and nothing else.

Asking prices of the reference file and older sales are brought to today's level first, as the champion sees them: what
they say of streets and sizes is worth keeping, their level is not.
"""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pricing.answer.interval import Predicted, intervals
from pricing.manifest import Input, Manifest, Names, Offsets
from pricing.market import Market
from pricing.reference import Reference
from training.arrays import Log
from training.data.frames import FIELDS, PLACES
from training.data.groups import group_keys, kept_apart
from training.data.listings import Dataset
from training.evaluation.conformal import calibrated, encode
from training.evaluation.fits import Fits
from training.export.onnx_model import check_parity, predict_onnx, run_onnx, run_outputs
from training.export.reference import reference
from training.model.candidates import CANDIDATES, CHAMPION, one_thread
from training.model.cores import ALONE, Cores
from training.model.training_part import Rows, dear_rows_of, rows_of
from training.params import Params
from training.sales_contest import rescale
from training.sales_contest.rescale import Rescaling
from training.sales_contest.sales import Sales

COLUMNS = [*FIELDS, *PLACES.values(), "price"]


@dataclass(frozen=True, slots=True)
class Served:
    """The champion as it serves."""

    model: bytes
    manifest: Manifest

    def log_prices(self, frame: pd.DataFrame) -> Log:
        """Return its log prices of a frame, shape (N,)."""
        return run_onnx(self.model, frame, self.manifest.names)

    def predicted(self, frame: pd.DataFrame) -> Predicted:
        """Return the same with its intervals."""
        return predict_onnx(self.model, frame, self.manifest.interval, self.manifest.names)

    def around(self, log_price: Log, frame: pd.DataFrame) -> Predicted:
        """Return log prices that it has stated for the homes of a frame with the intervals that it stated with them."""
        error = run_outputs(self.model, frame, self.manifest.names)[1] if self.manifest.interval.classes else None
        return intervals(log_price, self.manifest.interval, error)


@dataclass(frozen=True, slots=True)
class Challenger:
    """A model that wants to serve, exported and checked, without a version yet.

    `predicted` is what it says of the fresh sales, each from a fit that saw no sale of its group; what would serve
    is fitted on all of them. `learnt` are the listings that it was fitted on, apart from the champion's if it
    `inherits`; `kept` those of its file that no champion learns, None where they are the champion's.
    """

    name: str
    predicted: Predicted
    model: bytes
    inputs: list[Input]
    offsets: Offsets
    reference: Reference
    facts: dict[str, float]
    learnt: pd.DataFrame
    inherits: bool
    kept: Rows | None
    names: Names
    market: Market | None


Trainer = Callable[[Served, Sales, Dataset | None, Params], list[Challenger]]


def challengers(
    champion: Served, sales: Sales, listings: Dataset | None, params: Params, cores: Cores = ALONE
) -> list[Challenger]:
    """Return all challengers; without a reference file the champion's recipe cannot be trained anew."""
    with one_thread():
        predicted = champion.predicted(sales.frame)
        found: list[Challenger | None] = [
            rescaled(champion, sales, predicted, params),
            rewidened(champion, sales, predicted),
        ]
        if listings:
            found.append(retrained(champion, sales, predicted, listings, params, cores))
        return [each for each in found if each]


def rescaled(champion: Served, sales: Sales, predicted: Predicted, params: Params) -> Challenger:
    """Return the champion with one factor on its prices and one on the width of its intervals."""
    fresh = predicted.take(sales.fresh)
    errors = sales.log_price[sales.fresh] - fresh.log_price
    held_out = rescale.cross_fitted_level(errors, sales.groups[sales.fresh], params.seed)
    by = rescale.fit(errors, fresh, champion.manifest.interval.coverage)
    return _adjusted("rescaled", champion, sales, fresh, by, held_out)


def rewidened(champion: Served, sales: Sales, predicted: Predicted) -> Challenger | None:
    """Return the champion with a factor on the width of its intervals alone; None where they may hold their promise."""
    fresh = predicted.take(sales.fresh)
    errors = sales.log_price[sales.fresh] - fresh.log_price
    by = Rescaling(0.0, rescale.fit_width(errors, fresh, champion.manifest.interval.coverage))
    if by.width == 1.0:
        return None
    return _adjusted("rewidened", champion, sales, fresh, by, np.zeros(len(errors)))


def _adjusted(name: str, champion: Served, sales: Sales, fresh: Predicted, by: Rescaling, held_out: Log) -> Challenger:
    """Return the champion, rescaled; `held_out` are the levels by which each fresh sale is judged."""
    errors, offsets = sales.log_price[sales.fresh] - fresh.log_price, rescale.offsets(champion.manifest.interval, by)
    return Challenger(
        name=name,
        predicted=intervals(fresh.log_price + held_out, offsets, fresh.expected_error),
        model=rescale.apply(champion.model, by),
        inputs=champion.manifest.inputs,
        offsets=offsets,
        reference=rescale.reference(msgspec.convert(champion.manifest.reference, Reference), by, errors - held_out),
        facts={"factor": float(np.exp(by.level)), "interval_width": by.width},
        learnt=sales.frame[sales.fresh],
        inherits=True,
        kept=None,
        names=champion.manifest.names,
        market=champion.manifest.market,
    )


def retrained(
    champion: Served, sales: Sales, predicted: Predicted, listings: Dataset, params: Params, cores: Cores = ALONE
) -> Challenger:
    """Return the champion's recipe, trained on the reference file and the sales, all at today's level.

    A sale counts for as many listings as it weighs. Homes of the part that no champion learns are left out, sold ones
    too; their sales are judged by all the same. Raises `Failure` where ONNX and scikit-learn differ.
    """
    said = predicted.log_price
    errors = (sales.log_price - said)[sales.fresh]
    level = rescale.fit_level(errors)
    held_out_level = rescale.cross_fitted_level(errors, sales.groups[sales.fresh], params.seed)
    asked = np.log(listings.frame["price"].to_numpy(dtype=np.float64))
    asking_level = rescale.fit_level(asked - champion.log_prices(listings.frame))
    columns = [*COLUMNS, *params.market.columns]
    frame = pd.concat([listings.frame[columns], sales.frame[columns]], ignore_index=True)
    log_price = np.concatenate([asked + level - asking_level, _at_level(sales, said, level)])
    groups = group_keys(frame)
    kept = kept_apart(frame, groups, params.split.turn, params.split.kept_share)
    weights = np.where(kept, 0, np.concatenate([np.ones(len(asked), dtype=np.int64), sales.weights]))
    rows = _weighted(Rows(frame, log_price, groups), weights)
    asked_dear = dear_rows_of(listings)
    dear = Rows(asked_dear.frame, asked_dear.log_price + level - asking_level, asked_dear.groups)
    part, unseen = encode(rows, params, params.seed, cores)
    made = calibrated(CANDIDATES[CHAMPION], part, dear, unseen, params, Fits(cores))
    pricer = made.pricer
    model = pricer.onnx()
    parity = check_parity(pricer, model, frame, params.export.parity)
    unlearnt, expected = pricer.predict(frame), pricer.expected_error(frame)
    unlearnt[~kept] = made.held_out.log_price[: (~kept).sum()]
    fresh = np.flatnonzero(sales.fresh) + len(asked)
    if expected is not None and made.held_out.expected_error is not None:
        expected[~kept] = made.held_out.expected_error[: (~kept).sum()]
        expected = expected[fresh]
    predicted_fresh = intervals(unlearnt[fresh] - level + held_out_level, made.offsets, expected)
    learnt = frame[~kept]
    return Challenger(
        name="retrained",
        predicted=predicted_fresh,
        model=model,
        inputs=list(pricer.inputs),
        offsets=made.offsets,
        reference=reference(
            learnt,
            run_onnx(model, learnt),
            sales.log_price[sales.fresh] - predicted_fresh.log_price,
            None if expected is None else float(expected.mean()),
        ),
        facts={"rows": len(learnt), "weight": len(rows.log_price), "parity": parity.worst},
        learnt=learnt,
        inherits=False,
        kept=rows_of(listings).take(kept[: len(asked)]),
        names=Names(affixes=params.market.place_names),
        market=params.market,
    )


def _at_level(sales: Sales, predicted: Log, level: float) -> Log:
    """Return log prices of the sales, those from before prices moved brought to their level of now."""
    old = ~sales.current
    adjusted = sales.log_price.copy()
    if old.any():
        adjusted[old] += level - rescale.fit_level((sales.log_price - predicted)[old])
    return adjusted


def _weighted(rows: Rows, weights: NDArray[np.int64]) -> Rows:
    """Return the rows with a weight, and after them those once more for every further listing that they count for."""
    again = np.repeat(np.arange(len(weights)), np.maximum(weights - 1, 0))
    order = np.concatenate([np.flatnonzero(weights), again])
    return Rows(rows.frame.iloc[order].reset_index(drop=True), rows.log_price[order], rows.groups[order])
