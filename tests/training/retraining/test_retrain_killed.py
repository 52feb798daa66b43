"""A worker that is killed between any two of its writes, and what the next one makes of it."""

import json

import pytest

from pricing.manifest import CHALLENGER_KEY
from tests.training.killed_process import Killed, Life
from training.retraining.requests import decode

pytestmark = pytest.mark.slow


def outcome(world):
    """Return everything that must not depend on who died when."""
    (record,) = world.records()
    manifests = [json.loads(files.get("model/manifest.json", b"{}")) for files in world.registry.files.values()]
    promotions = world.s3.list_object_versions(Bucket=world.models, Prefix="house-price/champion.json")["Versions"]
    return {
        "record": (record.outcome, record.trained, record.version, record.why, record.champion_after),
        "pointer moved": len(promotions) - 1,
        "champion": (world.pointer().version, world.pointer().previous),
        "sha256": [each["sha256"] for each in manifests if each],
        "registered": [(each.version, dict(each.tags)) for each in world.registry.found],
        "aliases": world.registry.aliases,
        "shadow": world.s3.list_objects_v2(Bucket=world.models, Prefix=CHALLENGER_KEY)["KeyCount"],
        "waiting": world.waiting(),
    }


def prepared(world, policy="auto"):
    world.policy = policy
    world.market.sell(120)
    world.market.sell(60, rise=1.2)
    world.alarm(120)
    return world


def live(world, life, name):
    worker = world.worker(name, life.of(world.s3), life.of(world.sqs), life.of(world.registry))
    world.at += world.lease * 2  # what died before has been silent for long enough
    return worker.one(wait_seconds=0)


@pytest.mark.parametrize("policy", ["auto", "shadow-first", "manual"])
def test_wherever_a_worker_is_killed_the_next_one_finishes_with_the_same_outcome(new_world, policy):
    undisturbed, life = prepared(new_world(), policy), Life()
    live(undisturbed, life, "undisturbed")
    expected = outcome(undisturbed)
    assert len(life.writes) > 8
    for left, name in enumerate(life.writes, start=1):
        world = prepared(new_world(), policy)
        with pytest.raises(Killed):
            live(world, Life(left), "killed")
        if world.waiting():
            assert live(world, Life(), "next")
        assert outcome(world) == expected, f"killed after write {left}, {name}"


def test_a_worker_killed_again_and_again_still_gets_there(new_world):
    world = prepared(new_world())
    for writes in range(1, 40):
        try:
            live(world, Life(writes), f"worker-{writes}")
        except Killed:
            continue
        break
    assert world.waiting() == 0
    assert outcome(world)["pointer moved"] == 1


def test_each_event_delivered_twice_changes_nothing(new_world):
    once, twice = prepared(new_world()), prepared(new_world())
    live(once, Life(), "one")
    twice.alarm(120)
    while live(twice, Life(), "two"):
        pass
    assert outcome(twice) == outcome(once)
    assert twice.trained == 1
    assert len(twice.announced) == 1


def test_while_one_worker_is_at_it_the_other_leaves_the_same_drift_alone(new_world):
    world = prepared(new_world())
    world.alarm(120)  # a second delivery
    busy = world.worker("busy")
    busy.journal.claim("drift-1", "busy", world.lease, lambda: world.at)
    assert world.worker("other").one(wait_seconds=0)
    assert world.trained == 0
    assert world.waiting() == 2
    world.at += world.lease * 2  # and silent
    world.worker("other").one(wait_seconds=0)
    assert world.trained == 1


def test_a_worker_that_lost_its_claim_and_lives_on_changes_nothing(new_world):
    once = prepared(new_world())
    live(once, Life(), "one")
    world = prepared(new_world())
    request = decode(world.sqs.receive_message(QueueUrl=world.url)["Messages"][0]["Body"])

    def overtaken_while_training(*arguments):
        world.train = None
        live(world, Life(), "fast")
        return world._train(*arguments)

    world.train = overtaken_while_training
    world.worker("slow").retrain.run(request)
    found, expected = outcome(world), outcome(once)
    assert found["record"] == expected["record"]
    assert found["pointer moved"] == 1
    assert found["registered"] == expected["registered"]
