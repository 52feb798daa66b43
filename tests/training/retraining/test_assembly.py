import json

import boto3
import pytest

from lambdas.aws.objects import Objects
from pricing.manifest import Manifest
from pricing.model import load
from terminal.errors import Failure, UsageFailure
from terminal.stack import Stack
from tests.champions import champion
from tests.market import MARKET
from training.data.sample import write_sample
from training.retraining.assembly import LISTINGS_KEY, ReferenceFile, announcer, open_worker
from training.sales_contest.challengers import Served

STACK = Stack(
    listings_stream="listings",
    predictions_stream="predictions",
    models_bucket="models-0",
    dead_letters_bucket="dead-letters",
    archive_bucket="archive-0",
    score_function="score",
    region="us-east-1",
    retraining_queue="requests-0",
)


def test_a_stack_without_a_queue_has_no_worker():
    bare = Stack(**{name: getattr(STACK, name) for name in STACK.__slots__} | {"retraining_queue": None})
    with pytest.raises(Failure, match="BELO_RETRAINING_QUEUE"):
        open_worker(bare, {}, print)


def test_a_policy_that_nobody_knows_is_refused_before_anything_is_taken_up(world, tmp_path):
    environ = {"BELO_PROMOTION_POLICY": "always", "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path / 'mlflow.db'}"}
    with pytest.raises(UsageFailure, match="auto, shadow-first or manual, got always"):
        open_worker(STACK, environ, print)


def served(*, generated):
    tiny = champion()
    manifest = load(tiny.model, tiny.manifest).manifest
    return Served(tiny.model, Manifest(**as_dict(manifest) | {"generated_data": generated}))


def as_dict(manifest):
    return {name: getattr(manifest, name) for name in manifest.__struct_fields__}


def test_without_a_reference_file_a_champion_of_real_listings_is_not_retrained_on_generated_ones(world):
    said = []
    found = ReferenceFile(Objects(world.s3, world.archive), None, MARKET, said.append)(served(generated=False))
    assert found is None
    assert LISTINGS_KEY in said[0]


def test_the_reference_file_is_the_one_named_else_the_one_in_the_archive(world, tmp_path):
    mine, theirs = write_sample(tmp_path / "mine.csv", 600, 1), write_sample(tmp_path / "theirs.csv", 600, 2)
    world.s3.put_object(Bucket=world.archive, Key=LISTINGS_KEY, Body=theirs.read_bytes())
    named = ReferenceFile(Objects(world.s3, world.archive), str(mine), MARKET, print)(served(generated=False))
    archived = ReferenceFile(Objects(world.s3, world.archive), None, MARKET, print)(served(generated=False))
    assert named.name == "mine.csv"
    assert archived.name == "listings.csv"
    assert named.sha256 != archived.sha256


def test_promotions_are_told_to_a_topic(world, monkeypatch):
    sns, sqs = (boto3.client(name, region_name="us-east-1") for name in ("sns", "sqs"))
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    url = sqs.create_queue(QueueName="heard")["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:heard")
    world.market.sell(280)
    world.alarm()
    world.worker().one(wait_seconds=0)
    stack = Stack(**{name: getattr(STACK, name) for name in STACK.__slots__} | {"topic": topic})
    announcer(stack, print)(world.records()[0])
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["Subject"] == "Retraining: kept, champion 1"
