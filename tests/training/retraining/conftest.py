from collections.abc import Callable, Iterator
from itertools import count

import pytest
from moto import mock_aws

from tests.conftest import forget_aws
from tests.training.retraining.retraining_world import World


@pytest.fixture
def new_world(monkeypatch, client_of) -> Iterator[Callable[[], World]]:
    """Make a market with a champion, before anything was sold."""
    forget_aws(monkeypatch)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    numbers = count()

    def make() -> World:
        world = World(client_of("s3"), client_of("sqs"), next(numbers))
        world.crown()
        return world

    with mock_aws():
        yield make


@pytest.fixture
def world(new_world) -> World:
    """A market with a champion, before anything was sold."""
    return new_world()


@pytest.fixture
def promoted(world):
    """A market whose prices rose, and whose champion was therefore rescaled."""
    world.market.sell(200)
    world.market.sell(80, rise=1.2)
    world.alarm()
    world.worker().one(wait_seconds=0)
    return world
