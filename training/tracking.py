"""What a training leaves in MLflow: its model with the manifest, its reports and pictures, and what a judge needs."""

import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec

from pricing.manifest import Manifest, encode
from pricing.model import load
from training.data.frames import features_of
from training.evaluation.behaviour import behaviour
from training.evaluation.compare import Compared, comparison_report
from training.evaluation.reports.model_card import About, model_card, trained_on
from training.evaluation.reports.plots import cost_plot, error_plots, importance_plot
from training.evaluation.reports.tables import cleaning_report
from training.evaluation.search import Found
from training.export.manifest import golden_rows, write_manifest
from training.export.mlflow_model import package
from training.export.onnx_model import run_onnx
from training.export.reasons import importance, with_explanations
from training.export.reference import reference
from training.fitting import EncodedSplit, Fitted
from training.model.candidates import CHAMPION
from training.model.cores import ALONE, Cores
from training.params import Params
from training.registry.kept_listings import COMPARABLES, keep_learnt, keep_test
from training.registry.mlflow_registry import Registry


def register(
    encoded: EncodedSplit,
    fitted: Fitted,
    params: Params,
    registry: Registry,
    run_id: str,
    tags: Mapping[str, str],
    cores: Cores = ALONE,
) -> Manifest:
    """Store a fitted model with its run, and make it the next version; return its manifest.

    The manifest, which names the version, is stored last: a version without one was never finished.
    """
    registry.keep_dataset(run_id, encoded.data)
    registry.keep(run_id, "cleaning.md", cleaning_report(encoded.data).encode())
    keep_test(registry, run_id, encoded.test)
    keep_learnt(registry, run_id, encoded.training.frame)
    with tempfile.TemporaryDirectory() as folder:
        package(fitted.model, fitted.pricer.inputs, encoded.test.frame, Path(folder, "model"))
        registry.keep_folder(run_id, "model", Path(folder, "model"))
    registry.keep(run_id, "model/model.onnx", fitted.model)
    figures = {"median_ape": f"{fitted.figures['median_ape']:.4f}", "parity": f"{fitted.parity.worst:.2e}"}
    version = registry.register(run_id, {**tags, **figures})
    learnt = encoded.training.frame
    (manifest, comparables), plots = cores.both(
        partial(with_explanations, fitted.model, _manifest(encoded, fitted, params, version, run_id), learnt),
        partial(error_plots, fitted.predicted, fitted.offsets, encoded.test, learnt),
    )
    registry.keep(run_id, COMPARABLES, comparables)
    document = encode(manifest)
    ready = load(fitted.model, document)  # what serving would refuse does not count as finished
    predicted = fitted.predicted
    tested = features_of(encoded.test.frame, params.market)
    moves = importance(ready, tested)
    asked = behaviour(ready.log_prices, tested)
    about = About(
        recipe=f"Recipe `{CHAMPION}` (training/model/candidates.py).",
        learnt=trained_on(encoded.data),
        measured=(
            f"On {len(encoded.test.frame):,} listings that it was not trained on. Its intervals hold, "
            f"those included that only their price keeps out of the population, {fitted.coverage_at_any_price:.1%}."
        ),
        prices="asking price",
    )
    card, bars = cores.both(
        partial(model_card, manifest, about, encoded.test, predicted, asked, moves), partial(importance_plot, moves)
    )
    for name, png in {**plots, "importance.png": bars}.items():
        registry.keep(run_id, f"plots/{name}", png)
    registry.keep(run_id, "card.md", card.encode())
    registry.keep(run_id, "model/manifest.json", document)
    registry.point("challenger", version)
    return manifest


def _manifest(encoded: EncodedSplit, fitted: Fitted, params: Params, version: str, run_id: str) -> Manifest:
    model, test = fitted.model, encoded.test
    return write_manifest(
        model,
        fitted.pricer.inputs,
        version=version,
        created_at=datetime.now(UTC),
        offsets=fitted.offsets,
        golden=golden_rows(model, encoded.data.frame, params.export.golden_rows, params.market),
        market=params.market,
        metrics=dict(fitted.figures),
        reference=reference(
            encoded.training.frame,
            run_onnx(model, encoded.training.frame),
            test.log_price - fitted.predicted.log_price,
            fitted.expected_error,
        ),
        data_sha256=encoded.data.sha256,
        generated=encoded.data.generated,
        run_id=run_id,
    )


def keep_candidate(registry: Registry, parent: str, compared: Compared) -> None:
    """Store a candidate's comparison as a nested run."""
    run_id = registry.start_run(compared.name, {"candidate": compared.name}, {"kind": "candidate"}, parent)
    registry.finish_run(run_id, {**compared.figures, "microseconds": compared.microseconds, "bytes": compared.size})


def keep_comparison(registry: Registry, run_id: str, compared: list[Compared]) -> None:
    """Store error against cost of all candidates, as a table and as a picture."""
    registry.keep(run_id, "candidates.md", comparison_report(compared).encode())
    registry.keep(run_id, "plots/error_against_cost.png", cost_plot(compared))


def keep_trials(registry: Registry, parent: str, found: Found) -> None:
    """Store each trial of the search as a nested run, and with the parent the knobs that were chosen."""
    for number, trial in enumerate(found.trials):
        run_id = registry.start_run(f"trial {number}", trial.knobs, {"kind": "trial"}, parent)
        registry.finish_run(run_id, {"rms_log_error": trial.error})
    registry.keep(parent, "params.yaml", msgspec.yaml.encode(found.params))
