"""What a training keeps with its run for a later judge: its test part, and by what its training part is known."""

from io import BytesIO

import numpy as np
import pandas as pd

from terminal.errors import Failure
from training.data.groups import fingerprints
from training.model.training_part import Rows
from training.registry.mlflow_registry import Registry

TEST_ROWS = "judge/test.parquet"
TRAINED_ON = "judge/trained_on.txt"


def keep_evidence(registry: Registry, run_id: str, training: Rows, test: Rows) -> None:
    """Store with a run what a later judge needs: its test part, and by what its training part is known."""
    out = BytesIO()
    test.frame.assign(group=test.groups).to_parquet(out, index=False)
    registry.keep(run_id, TEST_ROWS, out.getvalue())
    registry.keep(run_id, TRAINED_ON, "\n".join(sorted(set(fingerprints(training.frame)))).encode())


def kept_test(version: str, registry: Registry) -> Rows:
    """Return the test part that a version's training set aside; raises `Failure` where its run has none."""
    frame = pd.read_parquet(BytesIO(kept(registry, version, TEST_ROWS)))
    groups = frame["group"].to_numpy(dtype=str)
    return Rows(frame.drop(columns="group"), np.log(frame["price"].to_numpy(dtype=np.float64)), groups)


def kept(registry: Registry, version: str, name: str) -> bytes:
    """Return what a version's run keeps under a name; raises `Failure` where it keeps nothing."""
    content = registry.read(registry.find(version).run_id, name)
    if content is None:
        raise Failure(
            f"version {version} cannot be judged: its MLflow run does not say what it was trained on ({name})"
        )
    return content
