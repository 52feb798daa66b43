import contextlib
import shutil

import msgspec
import pytest

from training.data.listings import read_listings
from training.data.sample import write_sample
from training.fitting import fit, split_and_encode
from training.model.candidates import one_thread
from training.params import read_params
from training.registry.mlflow_registry import DEFAULT_STORE, Registry

ROWS = 1_500


def small(params):
    """The same recipe with fewer trees, landmarks and folds, so that a test takes a second."""
    replace = msgspec.structs.replace
    return replace(
        params,
        encoding=replace(params.encoding, folds=3),
        boosting=replace(params.boosting, iterations=12, leaves=24, learning_rate=0.15),
        kernel=replace(params.kernel, landmarks=40),
        expected_error=replace(params.expected_error, iterations=10, learning_rate=0.3),
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


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory):
    """MLflow's tables, which take seconds to make."""
    with contextlib.chdir(tmp_path_factory.mktemp("store")):
        Registry.open({})
        return DEFAULT_STORE.resolve()


@pytest.fixture(scope="module")
def registry(tmp_path_factory, empty_store):
    """MLflow's registry in an SQLite file."""
    with contextlib.chdir(tmp_path_factory.mktemp("mlflow")):
        DEFAULT_STORE.parent.mkdir()
        shutil.copy(empty_store, DEFAULT_STORE)
        yield Registry.open({})
