"""Champion and challenger before the judge, and the listings that neither was trained on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pricing.listing import Features
from pricing.manifest import ContractMismatch
from pricing.market import Market
from pricing.model import Model, load
from terminal.errors import Failure
from training.arrays import Log
from training.data.frames import features_of
from training.data.groups import COLUMNS, met
from training.evaluation.timing import LISTINGS, microseconds_a_listing
from training.model.training_part import Rows
from training.registry.kept_listings import kept_test, learnt_by
from training.registry.mlflow_registry import Registry
from training.registry.models_bucket import ModelsBucket
from training.registry.overview import holds, stranger


@dataclass(frozen=True, slots=True)
class Contender:
    """A model as it would serve, and what is known of it."""

    version: str
    model: Model
    size: int
    parity: float | None
    microseconds: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """Listings that no contender was trained on, shape (N,) each."""

    features: Sequence[Features]
    log_price: Log
    groups: NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class SecondOpinion:
    """What the challenger's file alone does not tell: for a file that is wrong as a whole agrees with itself.

    `own` is the champion's test part, without the homes that the challenger has learnt; `same_homes` are log ratios of
    the prices that the challenger's and the champion's files state for the same homes, shape (M,).
    """

    own: Evidence
    same_homes: Log


def find_challenger(version: str, registry: Registry) -> Contender:
    """Return a registered version; raises `Failure` where it cannot be served."""
    found = registry.find(version)
    parity = found.tags.get("parity")
    return contender(version, *registry.artefacts(found), float(parity) if parity else None)


def find_champion(bucket: ModelsBucket, registry: Registry) -> Contender | None:
    """Return what serves, or None before the first promotion.

    Raises `Failure` where it is another registry's: what it was trained on, this one does not know.
    """
    seen = bucket.champion()
    if seen is None:
        return None
    serving, _ = seen
    if not holds(registry, serving):
        raise Failure(f"{stranger(serving)}; nobody here knows what it was trained on, so a person has to judge")
    return contender(serving.version, *bucket.get_version(serving.version), None)


def contender(version: str, model: bytes, manifest: bytes, parity: float | None) -> Contender:
    """Load a model and take its time; raises `Failure` where it cannot be served."""
    try:
        ready = load(model, manifest)
    except ContractMismatch as error:
        raise Failure(f"version {version} is not served: {error}") from error
    return Contender(version, ready, len(model), parity, _microseconds(ready))


def _microseconds(model: Model) -> float:
    """Return the median time of a listing in a batch, on one thread, reading the features included."""
    golden = [row.features for row in model.manifest.golden]
    batch = (golden * (LISTINGS // len(golden) + 1))[:LISTINGS]
    return microseconds_a_listing(lambda: model.log_prices(batch))


def unseen(challenger: str, champion: str | None, registry: Registry, market: Market | None = None) -> Evidence:
    """Return the challenger's test part without the homes that the champion has learnt.

    `market`: whose own columns the models read, too. Raises `Failure` where a run does not say what it was trained on.
    """
    rows = kept_test(challenger, registry)
    return _evidence(rows if champion is None else rows.take(~met(rows.frame, learnt_by(champion, registry))), market)


def second_opinion(challenger: str, champion: str, registry: Registry, market: Market | None = None) -> SecondOpinion:
    """Return what else is known of both versions, as `unseen` does."""
    own, theirs = kept_test(champion, registry), kept_test(challenger, registry)
    learnt, theirs_learnt = learnt_by(champion, registry), learnt_by(challenger, registry)
    ratios = _same_homes(pd.concat([learnt, own.frame]), pd.concat([theirs_learnt, theirs.frame]))
    return SecondOpinion(_evidence(own.take(~met(own.frame, theirs_learnt)), market), ratios)


def _evidence(rows: Rows, market: Market | None) -> Evidence:
    return Evidence(features_of(rows.frame, market), rows.log_price, rows.groups)


def _same_homes(before: pd.DataFrame, after: pd.DataFrame) -> Log:
    """Return log(price after / price before) of the homes that both files offer, each with its median prices."""
    homes = [name for name in COLUMNS if name != "price"]
    prices = [np.log(frame.groupby(homes, dropna=False)["price"].median()) for frame in (before, after)]
    ratios: Log = (prices[1] - prices[0]).dropna().to_numpy(dtype=np.float64)
    return ratios
