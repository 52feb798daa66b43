"""What a training keeps with its run: its test part, and which homes it learnt."""

from io import BytesIO

import numpy as np
import pandas as pd

from pricing.learnt_homes import LearntHomes
from pricing.manifest import comparables_key, homes_key
from terminal.errors import Failure
from training.data.groups import COLUMNS
from training.model.training_part import Rows
from training.registry.mlflow_registry import Registry

TEST_ROWS = "judge/test.parquet"
LEARNT = "judge/learnt.parquet"  # by what its homes are known, and their prices
HOMES = "model/homes.npz"  # `LearntHomes`, which is promoted along with the model
COMPARABLES = "model/comparables.json.gz"  # `Comparables`, as well


def keep_test(registry: Registry, run_id: str, test: Rows) -> None:
    """Store with a run the listings that no model has learnt, for a later judge."""
    registry.keep(run_id, TEST_ROWS, _parquet(test.frame.assign(group=test.groups)))


def keep_learnt(registry: Registry, run_id: str, learnt: pd.DataFrame) -> None:
    """Store with a run which homes its model has learnt."""
    registry.keep(run_id, LEARNT, _parquet(learnt.reindex(columns=list(COLUMNS))))
    registry.keep(run_id, HOMES, LearntHomes.of(list(learnt["street"]), list(learnt["area_m2"])).encode())


def beside(version: str, run_id: str, registry: Registry) -> dict[str, bytes]:
    """Return what is promoted along with a version's model and manifest, by its key in the models bucket."""
    kept = {homes_key(version): HOMES, comparables_key(version): COMPARABLES}
    found = {key: registry.read(run_id, name) for key, name in kept.items()}
    return {key: content for key, content in found.items() if content is not None}


def kept_test(version: str, registry: Registry) -> Rows:
    """Return the test part that a version's training set aside; raises `Failure` where its run has none."""
    frame = _read(registry, version, TEST_ROWS)
    groups = frame["group"].to_numpy(dtype=str)
    return Rows(frame.drop(columns="group"), np.log(frame["price"].to_numpy(dtype=np.float64)), groups)


def learnt_by(version: str, registry: Registry) -> pd.DataFrame:
    """Return the homes that a version has learnt: `COLUMNS`; raises `Failure` where its run does not say."""
    return _read(registry, version, LEARNT)


def learnt_in(run_id: str, registry: Registry) -> pd.DataFrame | None:
    """Return the homes that the model of a run has learnt, or None where the run does not say."""
    content = registry.read(run_id, LEARNT)
    return None if content is None else pd.read_parquet(BytesIO(content))


def _parquet(frame: pd.DataFrame) -> bytes:
    out = BytesIO()
    frame.to_parquet(out, index=False)
    return out.getvalue()


def _read(registry: Registry, version: str, name: str) -> pd.DataFrame:
    content = registry.read(registry.find(version).run_id, name)
    if content is None:
        raise Failure(
            f"version {version} cannot be judged: its MLflow run does not say what it was trained on ({name})"
        )
    return pd.read_parquet(BytesIO(content))
