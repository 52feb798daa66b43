"""Champions that may serve, and champions that must not."""

import json
import math
import random
import struct
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import onnx

from pricing.manifest import CHALLENGER_KEY, CHAMPION_KEY, manifest_key, model_key
from tests.champions import BASE, NEIGHBORHOODS, TinyChampion, champion, crashing, stiff, unsure, with_model
from tests.chaos.handler import MODELS
from tests.chaos.submissions import INFINITE, NOT_A_NUMBER
from tests.chaos.world import World


class Served(NamedTuple):
    """What a version says: the base of its log prices, the coverage of its intervals, and whether how sure it is."""

    base: float
    coverage: float
    says_how_sure: bool = False


GOOD = {"1": Served(BASE, 0.9), "2": Served(BASE + 0.3, 0.8, says_how_sure=True), "3": Served(BASE - 0.3, 0.95)}
CHALLENGERS = {"c1": BASE + 0.1, "c2": BASE - 0.1, "c3": BASE + 0.2, "crashing": BASE}
SILENT = {"c2": "Lourdes", "c3": "Lourdes"}  # challengers, and where they alone have no price: no golden row looks
NOWHERE = {NOT_A_NUMBER: math.nan, INFINITE: math.inf}  # where no version has a price
POLL = 11.0  # seconds after which every environment looks for a new champion


def _elsewhere(made: TinyChampion, levels: dict[str, float]) -> TinyChampion:
    """Return the champion with other levels for some neighbourhoods, of which no golden row knows."""
    graph = onnx.load_model_from_string(made.model)
    known = NEIGHBORHOODS | levels
    for attribute in graph.graph.node[0].attribute:
        if attribute.name == "keys_strings":
            attribute.strings[:] = [name.encode() for name in known]
        elif attribute.name == "values_floats":
            attribute.floats[:] = known.values()
    return with_model(made, graph)


def _serving(version: str) -> TinyChampion:
    base, coverage, says_how_sure = GOOD[version]
    if says_how_sure:
        return _elsewhere(unsure(version, base=base, coverage=coverage), NOWHERE)
    interval = json.loads(champion(version).manifest)["interval"] | {"coverage": coverage}
    return _elsewhere(champion(version, base=base, interval=interval), NOWHERE)


def challenger(version: str) -> TinyChampion:
    """A good challenger; c2 and c3 say NaN where every champion has a price."""
    silent = {SILENT[version]: math.nan} if version in SILENT else {}
    return _elsewhere(champion(version, base=CHALLENGERS[version]), silent)


FIRST, SECOND, LAST = map(_serving, GOOD)


def wrong_where_no_golden_row_looks() -> TinyChampion:
    """A model that was changed after its manifest was written: another price for Lourdes alone."""
    made = champion("changed")
    return replace(made, model=made.model.replace(struct.pack("<f", 0.5), struct.pack("<f", 0.9)))


def truncated() -> TinyChampion:
    """A model that was cut off on its way to S3."""
    made = champion("truncated", base=BASE + 0.7)
    return replace(made, model=made.model[:-100])


def not_a_number() -> TinyChampion:
    """A model that answers NaN to everything, with the golden rows of a good one."""
    return champion("nan", base=math.nan, golden=json.loads(FIRST.manifest)["golden"])


def drifted() -> TinyChampion:
    """A model that no longer says what its golden rows say."""
    return champion("drifted", base=BASE + 0.7, golden=json.loads(FIRST.manifest)["golden"])


def other_columns() -> TinyChampion:
    """A manifest whose inputs are not the model's."""
    return champion("columns", inputs=[{"name": "area_m2", "type": "float32"}])


def _put(world: World, made: TinyChampion) -> None:
    world.promote(made)


def _without_model(world: World) -> None:
    made = champion("no-model", base=BASE + 0.7)
    world.promote(made)
    world.s3.objects.pop((MODELS, model_key(made.version)))


def _without_manifest(world: World) -> None:
    made = champion("no-manifest", base=BASE + 0.7)
    world.promote(made)
    world.s3.objects.pop((MODELS, manifest_key(made.version)))


def _with_another_manifest(world: World) -> None:
    """The manifest was changed after the promotion: the intervals are gone."""
    made = champion("narrow")
    world.promote(made)
    narrow = {"coverage": 0.9, "edges": [], "low": [0.0], "high": [0.0]}
    world.s3.store(MODELS, manifest_key("narrow"), champion("narrow", interval=narrow).manifest)


def _with_a_false_name(world: World) -> None:
    """The pointer names a version whose manifest says that it is another one."""
    made = champion("other", base=BASE + 0.7)
    false = replace(made, version="false")
    world.promote(false)


def _with_a_broken_pointer(world: World) -> None:
    world.s3.store(MODELS, CHAMPION_KEY, FIRST.pointer[:40])


BROKEN: dict[str, Callable[[World], None]] = {
    "model missing": _without_model,
    "manifest missing": _without_manifest,
    "model truncated": lambda world: _put(world, truncated()),
    "model changed after export": lambda world: _put(world, wrong_where_no_golden_row_looks()),
    "model says NaN": lambda world: _put(world, not_a_number()),
    "golden rows not met": lambda world: _put(world, drifted()),
    "fails on batches": lambda world: _put(world, stiff("stiff")),
    "inputs not the model's": lambda world: _put(world, other_columns()),
    "manifest changed after promotion": _with_another_manifest,
    "manifest of another version": _with_a_false_name,
    "pointer is no JSON": _with_a_broken_pointer,
}


def promote_broken(world: World, rng: random.Random) -> int:
    """Point to each of the versions that must not serve, in any order. Returns how many."""
    for promote in rng.sample(list(BROKEN.values()), len(BROKEN)):
        promote(world)
        world.run(POLL)
    return len(BROKEN)


def challenge(world: World, rng: random.Random) -> int:
    """Let challengers come and go: good ones, one that crashes, one that does not load, and none."""
    for comer in rng.sample([challenger("c1"), challenger("c2"), crashing("crashing"), truncated(), None], 5):
        if comer is None:
            world.s3.objects.pop((MODELS, CHALLENGER_KEY), None)
        else:
            world.promote(comer, CHALLENGER_KEY)
        world.run(POLL)
    return 5


def take_turns(world: World, _: random.Random) -> int:
    """Let one good challenger follow another, each of which is dropped once it is slow. No fault in itself."""
    for version in ("c1", "c2"):
        world.promote(challenger(version), CHALLENGER_KEY)
        world.run(POLL)
    return 0


def swap(world: World, rng: random.Random) -> int:
    """Point to a good version three times, as promotions, rollbacks or a flapping pointer would."""
    for _ in range(3):
        world.promote(rng.choice([FIRST, SECOND]))
        world.run(POLL)
    return 3
