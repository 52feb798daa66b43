import pytest
from mlflow.exceptions import MlflowException

from terminal.errors import Failure
from training.registry.kept_listings import LEARNT
from training.registry.mlflow_registry import Registry
from training.train import train


@pytest.fixture(scope="module")
def trained(data, params, registry):
    return train(data, params, registry)


def test_a_version_that_the_manifest_of_its_run_does_not_name_is_not_finished(registry, trained):
    assert registry.finished(registry.find(trained.version))
    another = registry.register(trained.mlflow_run_id, {})
    assert not registry.finished(registry.find(another))


@pytest.mark.parametrize("ailing", ["list_artifacts", "download_artifacts"])
def test_a_file_that_mlflow_does_not_hand_out_is_not_taken_for_absent(registry, trained, ailing):
    class Client:
        """A server that is out of order for one kind of request."""

        def __getattr__(self, name):
            return self._refuse if name == ailing else getattr(registry._client, name)

        def _refuse(self, *_):
            raise MlflowException("503: out of order")

    run_id = trained.mlflow_run_id
    assert registry.read(run_id, "judge/no such file") is None
    assert registry.read("0" * 32, LEARNT) is None
    with pytest.raises(Failure, match=f"MLflow does not hand out {LEARNT} of run {run_id}: 503"):
        Registry(Client(), None).read(run_id, LEARNT)
