"""Champion and challenger before the judge, and the listings that neither was trained on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pricing.listing import Features
from pricing.manifest import ContractMismatch
from pricing.model import Model, load
from terminal.errors import Failure
from training.arrays import Log
from training.data.frames import to_features
from training.data.groups import fingerprints
from training.evaluation.timing import LISTINGS, microseconds_a_listing
from training.registry.kept_listings import TRAINED_ON, kept, kept_test
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


def unseen(challenger: str, champion: str | None, registry: Registry) -> Evidence:
    """Return the challenger's test part without the groups of which the champion saw a listing.

    Raises `Failure` where a run does not say what it was trained on.
    """
    rows = kept_test(challenger, registry)
    if champion is not None:
        seen = set(kept(registry, champion, TRAINED_ON).decode().splitlines())
        met = [known in seen for known in fingerprints(rows.frame)]
        rows = rows.take(~np.isin(rows.groups, rows.groups[met]))
    return Evidence([*map(to_features, rows.frame.to_dict("records"))], rows.log_price, rows.groups)
