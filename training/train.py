"""One training, from a file to a registered version: compare, search, fit, export, check, register."""

from collections.abc import Callable, Mapping

import msgspec

from pricing.answer.interval import Intervals, Predicted
from pricing.manifest import Manifest, Names, Offsets
from pricing.market import Market
from training import tracking
from training.data.frames import features_of, to_frame
from training.data.listings import Dataset
from training.data.schema import check_schema
from training.evaluation.behaviour import Predict, behaviour
from training.evaluation.compare import compare
from training.evaluation.confidence import confidence, count_listings, listings_learnt
from training.evaluation.fairness import fairness
from training.evaluation.figures import Figures, figures
from training.evaluation.fits import Fits
from training.evaluation.search import search
from training.export.manifest import code_version
from training.export.onnx_model import predict_onnx, run_onnx
from training.fitting import EncodedSplit, fit, split_and_encode
from training.model.candidates import CANDIDATES, CHAMPION, one_thread
from training.model.cores import ALONE, Cores
from training.model.training_part import Rows
from training.params import Params
from training.registry.kept_listings import kept_test
from training.registry.mlflow_registry import Registry
from training.registry.models_bucket import parse

Tell = Callable[[str, int], None]  # a stage, and of how many steps one more is done


def _silent(stage: str, steps: int) -> None:
    """Say nothing."""


def train(data: Dataset, params: Params, registry: Registry, tell: Tell = _silent, cores: Cores = ALONE) -> Manifest:
    """Train the champion's recipe, track it as a run and register it; return the manifest with its version.

    With trials to spend, all candidates are compared and the recipe's knobs searched first, each as a nested run.
    The same file, knobs and seed give the same figures and the same ONNX file, on however many cores. Raises `Failure`
    where the listings are not as they should be or ONNX and scikit-learn differ.
    """
    check_schema(data.frame, params.market)
    tags = _tags(data, params)
    run_id = registry.start_run(CHAMPION, {}, tags)
    try:
        with one_thread():
            encoded, fits = split_and_encode(data, params, cores), Fits(cores)
            if params.search.trials:
                params = _explore(encoded, params, registry, run_id, tell, fits)
            registry.add_params(run_id, msgspec.to_builtins(params))
            tell("fit", 1)
            fitted = fit(encoded, params, CHAMPION, fits)
            manifest = tracking.register(encoded, fitted, params, registry, run_id, tags, cores)
            tell("register", 1)
    except BaseException:
        registry.finish_run(run_id, {}, failed=True)
        raise
    found = {"coverage_at_any_price": fitted.coverage_at_any_price, "parity": fitted.parity.worst}
    registry.finish_run(run_id, {**fitted.figures, **found})
    return manifest


def _explore(encoded: EncodedSplit, params: Params, registry: Registry, run_id: str, tell: Tell, fits: Fits) -> Params:
    """Compare the candidates and search the recipe's knobs; return those to train with."""
    compared = []
    for each in compare(encoded.training, encoded.whole, encoded.folds, params, fits):
        compared.append(each)
        tracking.keep_candidate(registry, run_id, each)
        tell("candidates", len(CANDIDATES))
    tracking.keep_comparison(registry, run_id, compared)
    found = search(encoded.training, encoded.folds, params, lambda _: tell("search", params.search.trials), fits)
    tracking.keep_trials(registry, run_id, found)
    return found.params


def _tags(data: Dataset, params: Params) -> Mapping[str, str]:
    return {
        "data": data.name,
        "data_sha256": data.sha256,
        "population_sha256": data.population_sha256,
        "generated_data": str(data.generated).lower(),
        "seed": str(params.seed),
        "code_version": code_version(),
    }


def test_of_version(data: Dataset, params: Params, registry: Registry) -> tuple[str | None, Figures]:
    """Return the newest finished version trained on this file with this seed, and its figures on its own test part.

    The version is measured as it serves, on the listings that its training set aside: what would be set aside today
    it may have been trained on. Where there is no such version, the recipe is fitted, and the version is None.
    """
    for version in registry.versions():
        ours = version.tags.get("data_sha256") == data.sha256 and version.tags.get("seed") == str(params.seed)
        if ours and registry.finished(version):
            model, manifest = registry.artefacts(version)
            test = kept_test(version.version, registry)
            contract = parse(manifest)
            predicted = predict_onnx(model, test.frame, contract.interval, contract.names)
            asked = behaviour(_asker(model, params.market, contract.names), features_of(test.frame, params.market))
            learnt = listings_learnt(contract)
            return version.version, _all_figures(test, predicted, contract.interval, learnt) | {"behaviour": asked}
    with one_thread():
        encoded = split_and_encode(data, params)
        fitted = fit(encoded, params, CHAMPION)
    learnt = count_listings(encoded.training.frame)
    asked = behaviour(_asker(fitted.model, params.market), features_of(encoded.test.frame, params.market))
    return None, _all_figures(encoded.test, fitted.predicted, fitted.offsets, learnt) | {"behaviour": asked}


def _all_figures(test: Rows, predicted: Predicted, offsets: Offsets, learnt: Mapping[str, float]) -> Figures:
    return figures(predicted, test) | {
        "ratio_study": fairness(test, predicted.log_price, Intervals(offsets).classes(predicted)),
        "classes": confidence(test, predicted, offsets, learnt),
    }


def _asker(model: bytes, market: Market, names: Names | None = None) -> Predict:
    return lambda homes: run_onnx(model, to_frame(homes, market), names)


__all__ = ["code_version", "one_thread", "test_of_version", "train"]
