"""One training, from a file to a registered version: split, fit, calibrate, export, check, register."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from threadpoolctl import threadpool_limits

from pricing.manifest import Manifest, Offsets, encode
from pricing.model import load
from training import evaluate
from training.candidates import CHAMPION, Pricer, Training
from training.data import Dataset
from training.export import Parity, check_parity, golden_rows, run_onnx, write_manifest
from training.groups import split
from training.params import Params
from training.reference import reference
from training.registry import Registry
from training.report import cleaning_table


@dataclass(frozen=True, slots=True)
class Trained:
    """A fitted model, checked and exported, before it has a version."""

    candidate: str
    pricer: Pricer
    model: bytes
    offsets: Offsets
    figures: Mapping[str, Any]
    parity: Parity
    training: Training
    test: Training


def fit(data: Dataset, params: Params, candidate: str = CHAMPION) -> Trained:
    """Fit a candidate on the training part, measure it on the test part, and export it.

    Raises `Failure` where ONNX and scikit-learn differ on any row of the file.
    """
    held = split(data.groups, params.seed, params.split.test_share)
    training, test = (evaluate.part(data, rows, params.seed) for rows in (~held, held))
    pricer, offsets = evaluate.fit_with_interval(candidate, training, params)
    model = pricer.onnx()
    parity = check_parity(pricer, model, data.frame, params.export.parity)
    return Trained(
        candidate, pricer, model, offsets, evaluate.figures(pricer, offsets, test), parity, training, test
    )


def train(data: Dataset, params: Params, registry: Registry) -> Manifest:
    """Fit the champion's recipe, track it as a run and register it; return the manifest with its version."""
    fingerprint = {"data_sha256": data.sha256, "generated_data": str(data.generated).lower()}
    tags = fingerprint | {"data": data.name, "seed": str(params.seed), "code_version": code_version()}
    run_id = registry.start_run(CHAMPION, msgspec.to_builtins(params), tags)
    try:
        with one_thread():
            trained = fit(data, params)
        manifest = _register(trained, data, params, registry, run_id, tags)
    except BaseException:
        registry.finish_run(run_id, {}, failed=True)
        raise
    registry.finish_run(run_id, dict(trained.figures) | {"parity": trained.parity.worst})
    return manifest


def _register(
    trained: Trained, data: Dataset, params: Params, registry: Registry, run_id: str, tags: Mapping[str, str]
) -> Manifest:
    registry.keep(run_id, "cleaning.md", cleaning_table(data).encode())
    registry.keep(run_id, "model/model.onnx", trained.model)
    version = registry.register(run_id, {**tags, "median_ape": f"{trained.figures['median_ape']:.4f}"})
    said = run_onnx(trained.model, trained.training.frame)
    manifest = write_manifest(
        trained.model,
        trained.pricer,
        version=version,
        offsets=trained.offsets,
        golden=golden_rows(trained.model, data.frame, params.export.golden_rows),
        metrics=dict(trained.figures),
        reference=reference(
            trained.training.frame, said, trained.test.log_price - run_onnx(trained.model, trained.test.frame)
        ),
        data_sha256=data.sha256,
        generated=data.generated,
        run_id=run_id,
    )
    document = encode(manifest)
    load(trained.model, document)  # what serving would refuse is not registered as finished
    registry.keep(run_id, "model/manifest.json", document)
    return manifest


def test_of_version(data: Dataset, params: Params, registry: Registry) -> tuple[str | None, evaluate.Figures]:
    """Return the newest version trained on this file with this seed, and its figures on the test part.

    The version is measured as it serves. Where there is none, the recipe is fitted, and the version is None.
    """
    held = split(data.groups, params.seed, params.split.test_share)
    test = evaluate.part(data, held, params.seed)
    for version in registry.versions():
        if version.tags.get("data_sha256") == data.sha256 and version.tags.get("seed") == str(params.seed):
            model, manifest = registry.artefacts(version)
            offsets = msgspec.json.decode(manifest, type=Manifest).interval
            return version.version, evaluate.figures_of(run_onnx(model, test.frame), offsets, test)
    with one_thread():
        return None, fit(data, params).figures


def one_thread() -> threadpool_limits:
    """Keep the learners on one thread: sums then keep their order, and busy machines do not stall them."""
    return threadpool_limits(1)


def code_version() -> str:
    """Return the commit that the code stands at, or "unknown" outside a repository."""
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()
