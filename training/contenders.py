"""Champion and challenger before the judge, and the listings that neither was trained on."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from statistics import median

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from belo.errors import Failure
from pricing.listing import Features
from pricing.model import ContractMismatch, Model, load
from training.export import to_features
from training.groups import fingerprints
from training.levels import Log
from training.models_bucket import ModelsBucket
from training.overview import holds, stranger
from training.parts import Rows
from training.registry import Registry

TEST_ROWS = "judge/test.parquet"
TRAINED_ON = "judge/trained_on.txt"
TIMED_ROWS = 6_000
REPEATS = 5


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


def keep_evidence(registry: Registry, run_id: str, training: Rows, test: Rows) -> None:
    """Store with a run what a later judge needs: its test part, and by what its training part is known."""
    out = BytesIO()
    test.frame.assign(group=test.groups).to_parquet(out, index=False)
    registry.keep(run_id, TEST_ROWS, out.getvalue())
    registry.keep(run_id, TRAINED_ON, "\n".join(sorted(set(fingerprints(training.frame)))).encode())


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
    batch = (golden * (TIMED_ROWS // len(golden) + 1))[:TIMED_ROWS]
    took = []
    for _ in range(REPEATS):
        start = time.process_time()
        model.log_prices(batch)
        took.append(time.process_time() - start)
    return median(took) / len(batch) * 1e6


def unseen(challenger: str, champion: str | None, registry: Registry) -> Evidence:
    """Return the challenger's test part without the groups of which the champion saw a listing.

    Raises `Failure` where a run does not say what it was trained on.
    """
    rows = kept_test(challenger, registry)
    if champion is not None:
        seen = set(_read(registry, champion, TRAINED_ON).decode().splitlines())
        met = [known in seen for known in fingerprints(rows.frame)]
        rows = rows.take(~np.isin(rows.groups, rows.groups[met]))
    return Evidence([*map(to_features, rows.frame.to_dict("records"))], rows.log_price, rows.groups)


def kept_test(version: str, registry: Registry) -> Rows:
    """Return the test part that a version's training set aside; raises `Failure` where its run has none."""
    frame = pd.read_parquet(BytesIO(_read(registry, version, TEST_ROWS)))
    groups = frame["group"].to_numpy(dtype=str)
    return Rows(frame.drop(columns="group"), np.log(frame["price"].to_numpy(dtype=np.float64)), groups)


def _read(registry: Registry, version: str, name: str) -> bytes:
    content = registry.read(registry.find(version).run_id, name)
    if content is None:
        raise Failure(
            f"version {version} cannot be judged: its MLflow run does not say what it was trained on ({name})"
        )
    return content
