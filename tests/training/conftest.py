from collections.abc import Callable, Iterator
from itertools import count

import msgspec
import pytest
from moto import mock_aws

from tests.conftest import forget_aws
from tests.training.retraining.retraining_world import World
from training.data.listings import read_listings
from training.data.sample import write_sample
from training.fitting import fit, split_and_encode
from training.model.candidates import one_thread
from training.params import read_params

ROWS = 1_500


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


def small(params):
    """The same recipe with fewer trees, landmarks and folds, so that a test takes a second."""
    replace = msgspec.structs.replace
    return replace(
        params,
        encoding=replace(params.encoding, folds=3),
        boosting=replace(params.boosting, iterations=25, leaves=24),
        kernel=replace(params.kernel, landmarks=40),
        interval=replace(params.interval, folds=3),
        search=replace(params.search, trials=0),
        split=replace(params.split, splits=2),
    )


@pytest.fixture(scope="session")
def sample(tmp_path_factory):
    return write_sample(tmp_path_factory.mktemp("listings") / "sample.csv", ROWS, seed=11)


@pytest.fixture(scope="session")
def data(sample):
    return read_listings(sample, generated=True)


@pytest.fixture(scope="session")
def params():
    return small(read_params())


@pytest.fixture(scope="session")
def encoded(data, params):
    with one_thread():
        return split_and_encode(data, params)


@pytest.fixture(scope="session")
def fitted(encoded, params):
    with one_thread():
        return fit(encoded, params, "averaged")
