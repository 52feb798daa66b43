"""Champions that may serve, and champions that must not."""

import hashlib
import json
import math
import random
import struct
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnx
from onnx import helper, numpy_helper

from pricing.manifest import CHALLENGER_KEY, CHAMPION_KEY, manifest_key, model_key
from tests.champions import BASE, TinyChampion, champion
from tests.chaos.handler import MODELS
from tests.chaos.world import World

GOOD = {"1": BASE, "2": BASE + 0.3, "3": BASE - 0.3}  # version to base
FIRST, SECOND, LAST = (champion(version, base=base) for version, base in GOOD.items())
CHALLENGERS = {"c1": BASE + 0.1, "c2": BASE - 0.1, "crashing": BASE}
POLL = 11.0  # seconds after which every environment looks for a new champion


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


def crashing() -> TinyChampion:
    """A model that proves itself on its three golden rows, and fails on any other number of listings."""
    graph = onnx.load_model_from_string(champion("crashing").model)
    graph.graph.initializer.append(numpy_helper.from_array(np.array([3, 1], np.int64), "three"))
    graph.graph.node[-1].output[0] = "free"
    graph.graph.node.append(helper.make_node("Reshape", ["free", "three"], ["log_price"]))
    model = graph.SerializeToString()
    return replace(champion("crashing", sha256=hashlib.sha256(model).hexdigest()), model=model)


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
    good = [champion(version, base=CHALLENGERS[version]) for version in ("c1", "c2")]
    for challenger in rng.sample([*good, crashing(), truncated(), None], 5):
        if challenger is None:
            world.s3.objects.pop((MODELS, CHALLENGER_KEY), None)
        else:
            world.promote(challenger, CHALLENGER_KEY)
        world.run(POLL)
    return 5


def swap(world: World, rng: random.Random) -> int:
    """Point to a good version three times, as promotions, rollbacks or a flapping pointer would."""
    for _ in range(3):
        world.promote(rng.choice([FIRST, SECOND]))
        world.run(POLL)
    return 3
