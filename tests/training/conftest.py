import os
from collections.abc import Callable, Iterator
from itertools import count

import boto3
import pytest
from moto import mock_aws

from tests.training.retraining_world import World


@pytest.fixture
def new_world(monkeypatch) -> Iterator[Callable[[], World]]:
    """Make a market with a champion, before anything was sold."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    numbers = count()

    def make() -> World:
        world = World(s3, sqs, next(numbers))
        world.crown()
        return world

    with mock_aws():
        s3, sqs = (boto3.client(service, region_name="us-east-1") for service in ("s3", "sqs"))
        yield make


@pytest.fixture
def world(new_world) -> World:
    """A market with a champion, before anything was sold."""
    return new_world()
