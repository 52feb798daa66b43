"""The books can fail: each kind of mistake, made behind the handler's back, is found."""

import gzip
import json
from dataclasses import replace

import pytest

from tests.chaos.books import audit
from tests.chaos.champions import FIRST, GOOD
from tests.chaos.documents import Expectation
from tests.chaos.handler import DEAD_LETTERS
from tests.chaos.submissions import Mix, records
from tests.chaos.world import SIX_HOURS, Shape, World
from tests.simulator.faults import RefuseCall


@pytest.fixture
def world():
    world = World(shape=Shape(shards=1, parallelization_factor=1, output_shards=1))
    world.promote(FIRST)
    world.submit(records(1, 200, Mix(bad=0.2, aggregates=0.2)))
    world.run()
    return world


def books(world, **expected):
    verdict = audit(world, Expectation(GOOD, **expected))
    return verdict.lost, verdict.wrong


def alter(world, change):
    """Change the first prediction's document, behind everybody's back."""
    stored = world.predictions.shards[0].records
    document = json.loads(stored[0].data)
    change(document)
    stored[0] = replace(stored[0], data=json.dumps(document).encode())


def test_the_books_of_a_quiet_run_balance(world):
    assert books(world) == (0, 0)


def test_a_missing_prediction_is_a_loss(world):
    world.predictions.shards[0].records.pop()
    assert books(world) == (1, 0)


def test_a_missing_dead_letters_object_is_a_loss(world):
    (key,) = world.s3.keys(DEAD_LETTERS)
    bad = sum(submission.reason is not None for submission in world.submitted.values())
    world.s3.delete_object(Bucket=DEAD_LETTERS, Key=key)
    assert books(world) == (bad, 0)


@pytest.mark.parametrize(
    "change",
    [
        lambda event: event["data"].update(predicted_price=event["data"]["predicted_price"] * 1.0001),
        lambda event: event["data"]["interval"].update(low=event["data"]["interval"]["low"] * 0.999),
        lambda event: event["data"]["features"].update(area_m2=20.0),
        lambda event: event["data"]["model"].update(version="2"),
        lambda event: event["data"]["model"].update(version="nan"),
        lambda event: event.update(subject="L-0"),
    ],
    ids=["price", "interval", "features", "version", "version that must not serve", "subject"],
)
def test_a_wrong(change, world):
    alter(world, change)
    assert books(world) == (0, 1)


@pytest.mark.parametrize(("field", "value"), [("sequence_number", "1"), ("index", 20), ("shard_id", "shardId-7")])
def test_a_prediction_for_a_position_where_nothing_stood_is_wrong(world, field, value):
    alter(world, lambda event: event["data"]["source_position"].update({field: value}))
    lost, wrong = books(world)
    assert lost == 1
    assert wrong >= 1


def test_two_ids_for_one_event_are_wrong(world):
    stored = world.predictions.shards[0].records
    again = json.loads(stored[0].data) | {"id": "another"}
    stored.append(replace(stored[0], data=json.dumps(again).encode()))
    assert books(world)[1] >= 1


def test_one_id_for_two_events_is_wrong(world):
    other = json.loads(world.predictions.shards[0].records[1].data)["id"]
    alter(world, lambda event: event.update(id=other))
    assert books(world)[1] >= 1


def test_a_dead_letter_for_a_good_record_is_wrong(world):
    (key,) = world.s3.keys(DEAD_LETTERS)
    lines = gzip.decompress(world.s3.objects[DEAD_LETTERS, key].body)
    origin = json.loads(world.predictions.shards[0].records[0].data)["data"]["source_position"]
    letter = json.dumps(json.loads(lines.splitlines()[0]) | origin).encode()
    world.s3.store(DEAD_LETTERS, key, gzip.compress(lines + letter))
    assert books(world) == (0, 1)


def test_a_champion_that_is_not_picked_up_is_wrong(world):
    assert books(world, version_from=(0.0, "2"))[1] > 100


@pytest.mark.parametrize(("when", "most"), [("at the start", 12.0), ("later", 3.0)])
def test_a_hold_up_by_models_is_wrong_beyond_a_limit(world, when, most):
    world.held_up[when] = most
    assert books(world) == (0, 0)
    world.held_up[when] = most + 0.1
    assert books(world) == (0, 1)


def test_asking_a_challenger_that_was_given_up_is_wrong(world):
    world.threads.asked_again["predict"] += 1
    assert books(world) == (0, 1)


def test_parking_is_wrong_unless_it_was_called_for():
    world = World(faults=lambda call: RefuseCall("SlowDown", 503) if call.operation == "PutObject" else None)
    world.promote(FIRST)
    world.submit(records(1, 100, Mix(bad=0.2)))
    world.run(SIX_HOURS * 2)
    assert books(world) == (0, 1)
    assert books(world, may_park=True) == (0, 0)
