"""A winner in MLflow: one run and one version a request, however often the worker had to begin anew."""

import hashlib
import importlib.metadata
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from pricing.listing import Features
from pricing.manifest import MODEL_NAME, Golden, Manifest, encode
from pricing.model import load
from training.challengers import Challenger
from training.contenders import TRAINED_ON
from training.contest import Contest
from training.data import to_frame
from training.export import LIBRARIES, golden_rows
from training.groups import fingerprints
from training.packaging import package
from training.params import Params
from training.registry import Registry
from training.train import code_version

TAG = "retraining"  # a version's tag: the request that it was trained for


@dataclass(frozen=True, slots=True)
class Winner:
    """A challenger that won, for which request and by what figures, and what it learnt from."""

    request_id: str
    challenger: Challenger
    contests: list[Contest]
    figures: Mapping[str, Any]
    gathered_at: datetime
    data_sha256: str
    generated: bool
    homes: list[Features]  # golden rows are chosen from these
    champion_run: str


Keep = Callable[[Registry, str, Winner], None]


def keep_model(registry: Registry, run_id: str, winner: Winner) -> None:
    """Store the model with its run as MLflow likes it: flavour, signature and an example."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model")
        package(winner.challenger.model, winner.challenger.inputs, to_frame(winner.homes), path)
        registry.keep_folder(run_id, "model", path)


def register(winner: Winner, registry: Registry, params: Params, keep: Keep = keep_model) -> str:
    """Return the version of a winner, its artefacts complete.

    A version that an earlier attempt has registered for the request is taken up, and its artefacts are written again.
    """
    run_id, version = _version(winner, registry, params)
    model = winner.challenger.model
    document = encode(_manifest(winner, run_id, version, params))
    load(model, document)  # what serving would refuse is not registered as finished
    keep(registry, run_id, winner)
    registry.keep(run_id, TRAINED_ON, _trained_on(winner, registry))
    registry.keep(run_id, "verdict.json", msgspec.json.format(msgspec.json.encode(winner.contests)))
    registry.keep(run_id, "model/model.onnx", model)
    registry.keep(run_id, "model/manifest.json", document)
    registry.finish_run(run_id, {**winner.figures, **winner.challenger.facts})
    return version


def _version(winner: Winner, registry: Registry, params: Params) -> tuple[str, str]:
    found = next((each for each in registry.versions() if each.tags.get(TAG) == winner.request_id), None)
    if found:
        return found.run_id, found.version
    tags = {
        TAG: winner.request_id,
        "trained": winner.challenger.name,
        "data_sha256": winner.data_sha256,
        "generated_data": str(winner.generated).lower(),
        "code_version": code_version(),
        "median_ape": f"{winner.figures['median_ape']:.4f}",
    }
    run_id = registry.start_run(winner.challenger.name, msgspec.to_builtins(params), tags)
    return run_id, registry.register(run_id, tags)


def _manifest(winner: Winner, run_id: str, version: str, params: Params) -> Manifest:
    challenger = winner.challenger
    return Manifest(
        name=MODEL_NAME,
        version=version,
        created_at=winner.gathered_at.isoformat(timespec="seconds"),
        sha256=hashlib.sha256(challenger.model).hexdigest(),
        inputs=challenger.inputs,
        interval=challenger.offsets,
        golden=_golden(winner, params),
        metrics=dict(winner.figures),
        generated_data=winner.generated,
        data_sha256=winner.data_sha256,
        mlflow_run_id=run_id,
        libraries={name: importlib.metadata.version(name) for name in LIBRARIES},
        reference=challenger.reference,
    )


def _trained_on(winner: Winner, registry: Registry) -> bytes:
    """Return what a later judge must not judge this version by (`training.contenders`)."""
    known = set(fingerprints(winner.challenger.learnt))
    if winner.challenger.inherits:
        known |= set((registry.read(winner.champion_run, TRAINED_ON) or b"").decode().split())
    return "\n".join(sorted(known)).encode()


def _golden(winner: Winner, params: Params) -> list[Golden]:
    return golden_rows(winner.challenger.model, to_frame(winner.homes), params.export.golden_rows)
