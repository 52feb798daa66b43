import pytest
from mlflow.exceptions import MlflowException

from terminal.errors import Failure
from tests.champions import champion
from training.registry.kept_listings import LEARNT
from training.registry.mlflow_registry import Registry


@pytest.fixture(scope="module")
def run_id(registry):
    """The run of version 1, which is finished."""
    run_id = registry.start_run("train", {}, {})
    registry.keep(run_id, LEARNT, b"homes")
    registry.keep(run_id, "model/manifest.json", champion(registry.register(run_id, {})).manifest)
    return run_id


def test_a_version_that_the_manifest_of_its_run_does_not_name_is_not_finished(registry, run_id):
    assert registry.finished(registry.find("1"))
    another = registry.register(run_id, {})
    assert not registry.finished(registry.find(another))


@pytest.mark.parametrize("ailing", ["list_artifacts", "download_artifacts"])
def test_a_file_that_mlflow_does_not_hand_out_is_not_taken_for_absent(registry, run_id, ailing):
    class Client:
        """A server that is out of order for one kind of request."""

        def __getattr__(self, name):
            return self._refuse if name == ailing else getattr(registry._client, name)

        def _refuse(self, *_):
            raise MlflowException("503: out of order")

    assert registry.read(run_id, LEARNT)
    assert registry.read(run_id, "judge/no such file") is None
    assert registry.read("0" * 32, LEARNT) is None
    with pytest.raises(Failure, match=f"MLflow does not hand out {LEARNT} of run {run_id}: 503"):
        Registry(Client(), None).read(run_id, LEARNT)
