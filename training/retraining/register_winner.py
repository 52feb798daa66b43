"""A winner in MLflow: one version a request, however often the worker had to begin anew."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
import pandas as pd

from pricing.listing import Features
from pricing.manifest import CITY, Manifest, comparables_key, encode
from pricing.market import Market
from pricing.model import Model, load
from training.data.frames import to_frame
from training.data.groups import COLUMNS
from training.data.listings import Dataset
from training.evaluation.behaviour import behaviour
from training.evaluation.figures import Figures, figures
from training.evaluation.reports.model_card import About, model_card, trained_on
from training.export.manifest import code_version, golden_rows, write_manifest
from training.export.mlflow_model import package
from training.export.reasons import importance, with_explanations, with_reasons
from training.model.candidates import CHAMPION
from training.model.training_part import Rows
from training.params import Params
from training.registry.kept_listings import COMPARABLES, TEST_ROWS, keep_learnt, keep_test, learnt_in
from training.registry.mlflow_registry import Registry
from training.registry.models_bucket import ModelsBucket
from training.sales_contest.challengers import Challenger
from training.sales_contest.contest import Contest

TAG = "retraining"  # a version's tag: the request that it was trained for


@dataclass(frozen=True, slots=True)
class Winner:
    """A challenger that won, for which request and over whom, and what it learnt from."""

    request_id: str
    challenger: Challenger
    contests: list[Contest]
    fresh: Rows  # the sales that it was judged by
    gathered_at: datetime
    data_sha256: str
    generated: bool
    homes: list[Features]  # golden rows are chosen from these
    champion: Manifest
    listings: Dataset | None

    @property
    def figures(self) -> Figures:
        """Return how good it is on the fresh sales."""
        return figures(self.challenger.predicted, self.fresh)


Keep = Callable[[Registry, str, Winner, Market], None]


def keep_model(registry: Registry, run_id: str, winner: Winner, market: Market) -> None:
    """Store the model with its run as MLflow likes it: flavour, signature and an example."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model")
        package(winner.challenger.model, winner.challenger.inputs, to_frame(winner.homes, market), path)
        registry.keep_folder(run_id, "model", path)


def register(winner: Winner, registry: Registry, bucket: ModelsBucket, params: Params, keep: Keep = keep_model) -> str:
    """Return the version of a winner, its artefacts complete, under a number that is free in the models bucket.

    A version that an earlier attempt has registered for the request is taken up, and its artefacts are written again.
    """
    run_id, manifest, comparables = _numbered(winner, registry, bucket, params)
    model, document = winner.challenger.model, encode(manifest)
    ready = load(model, document)  # what serving would refuse is not registered as finished
    keep(registry, run_id, winner, params.market)
    _keep_evidence(winner, registry, run_id)
    registry.keep(run_id, "verdict.json", msgspec.json.format(msgspec.json.encode(winner.contests)))
    moves = importance(ready, winner.homes) if CITY in manifest.typical else {}
    registry.keep(run_id, "card.md", _card(winner, ready, moves).encode())
    if comparables is not None:
        registry.keep(run_id, COMPARABLES, comparables)
    registry.keep(run_id, "model/model.onnx", model)
    registry.keep(run_id, "model/manifest.json", document)
    registry.finish_run(run_id, {**winner.figures, **winner.challenger.facts})
    return manifest.version


def _numbered(
    winner: Winner, registry: Registry, bucket: ModelsBucket, params: Params
) -> tuple[str, Manifest, bytes | None]:
    """Return run, manifest and comparables, the version's number free: a registry that began anew repeats numbers."""
    tags = {
        TAG: winner.request_id,
        "trained": winner.challenger.name,
        "data_sha256": winner.data_sha256,
        "generated_data": str(winner.generated).lower(),
        "code_version": code_version(),
        "median_ape": f"{winner.figures['median_ape']:.4f}",
    }
    found = next((each for each in registry.versions() if each.tags.get(TAG) == winner.request_id), None)
    run_id = found.run_id if found else registry.start_run(winner.challenger.name, msgspec.to_builtins(params), tags)
    version = found.version if found else registry.register(run_id, tags)
    while True:
        manifest, comparables = _explained(winner, _manifest(winner, run_id, version, params), bucket)
        if bucket.free(version, winner.challenger.model, encode(manifest)):
            return run_id, manifest, comparables
        registry.tag(version, "verdict", "void: the models bucket holds another version of this number")
        version = registry.register(run_id, tags)


def _explained(winner: Winner, manifest: Manifest, bucket: ModelsBucket) -> tuple[Manifest, bytes | None]:
    """Return the manifest with its reasons, and the comparables: the champion's where what it learnt is inherited."""
    model, champion = winner.challenger.model, winner.champion
    if not winner.challenger.inherits:
        return with_explanations(model, manifest, winner.challenger.learnt)
    if CITY not in champion.typical:
        return manifest, None  # a champion from before prices had reasons
    inherited = bucket.read(comparables_key(champion.version)) if champion.comparables_sha256 else None
    content = inherited[0] if inherited else None
    ready = load(model, encode(msgspec.structs.replace(manifest, typical=champion.typical)))
    return with_reasons(ready, content), content


def _manifest(winner: Winner, run_id: str, version: str, params: Params) -> Manifest:
    challenger = winner.challenger
    return write_manifest(
        challenger.model,
        challenger.inputs,
        version=version,
        created_at=winner.gathered_at,
        offsets=challenger.offsets,
        golden=golden_rows(
            challenger.model,
            to_frame(winner.homes, params.market),
            params.export.golden_rows,
            params.market,
            challenger.names,
        ),
        metrics=dict(winner.figures),
        reference=challenger.reference,
        market=challenger.market,
        names=challenger.names,
        data_sha256=winner.data_sha256,
        generated=winner.generated,
        run_id=run_id,
    )


def _keep_evidence(winner: Winner, registry: Registry, run_id: str) -> None:
    """Store what a later judge must not judge this version by, and what it may; nothing where nobody can tell."""
    challenger, inherited = winner.challenger, winner.champion.mlflow_run_id
    learnt = challenger.learnt[list(COLUMNS)]
    if challenger.inherits:
        before = learnt_in(inherited, registry)
        if before is None:
            return
        learnt = pd.concat([before, learnt], ignore_index=True)
    keep_learnt(registry, run_id, learnt)
    if challenger.kept is not None:
        keep_test(registry, run_id, challenger.kept)
    elif (test := registry.read(inherited, TEST_ROWS)) is not None:
        registry.keep(run_id, TEST_ROWS, test)


def _card(winner: Winner, ready: Model, moves: Mapping[str, float]) -> str:
    before, listings = winner.champion.version, winner.listings
    if winner.challenger.inherits or listings is None:
        recipe = f"Version {before}, its prices and the width of its intervals each multiplied by a factor"
        learnt = (
            f"What version {before} was trained on, and {len(winner.challenger.learnt):,} sales for the two factors."
        )
    else:
        sales = len(winner.challenger.learnt) - listings.report.rows_out
        recipe = f"Recipe `{CHAMPION}` (training/model/candidates.py)"
        learnt = f"{trained_on(listings)} And {sales:,} sales; all prices brought to the level of the newest ones."
    about = About(
        recipe=f"{recipe}, retrained over version {before}.",
        learnt=f"{learnt} sha256 of it all `{winner.data_sha256}`.",
        measured=f"On the newest {len(winner.fresh.log_price):,} sales, each priced by a fit that had not seen it:",
        prices="sale price",
    )
    asked = behaviour(ready.log_prices, winner.homes)
    return model_card(ready.manifest, about, winner.fresh, winner.challenger.predicted, asked, moves)
