"""A running cloud with the stack on it and a champion in it: MiniStack or LocalStack, by LOCAL_CLOUD."""

import os
import shutil
import subprocess
import urllib.error
import urllib.request
import uuid
import zipfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from xdist.scheduler import LoadFileScheduling

from belo import bundle, terraform
from belo.local_cloud import provision
from integration_tests.cloud import BELO, Cloud
from integration_tests.principals import queue, somebody  # noqa: F401 - fixtures
from terminal.stack import Stack
from training.data.listings import read_listings
from training.data.load import load_data
from training.data.sample import write_sample
from training.params import choose_params
from training.registry.mlflow_registry import Registry
from training.train import train as train_here

ROOT = Path(__file__).parent.parent
LAMBDA_CONSUMER = ROOT / "examples" / "lambda_consumer"


class OneCloud(LoadFileScheduling):
    """Gives a worker whole files, and one of several workers all those of this folder and no other: they share a cloud.

    What other files set up for themselves, such as a registry, two workers set up twice and not three times.
    """

    CLOUD = "a cloud"

    def _split_scope(self, nodeid: str) -> str:
        return self.CLOUD if nodeid.startswith(f"{Path(__file__).parent.name}/") else super()._split_scope(nodeid)

    def _reschedule(self, node) -> None:
        if self.CLOUD not in self.assigned_work[node] or len(self.nodes) == 1:
            super()._reschedule(node)
        elif not node.shutting_down:
            node.shutdown()  # once it is through with what it has


def pytest_xdist_make_scheduler(config, log) -> OneCloud:
    return OneCloud(config, log)


@dataclass(frozen=True)
class Training:
    """Two champions being trained, one after the other: where, and in which environment."""

    folder: Path
    env: dict[str, str]
    done: Future[None]


@pytest.fixture(scope="session")
def emulator() -> str:
    """Which cloud the tests run on: LOCAL_CLOUD, else LocalStack where one answers or Docker runs."""
    near = _localstack_answers() or _docker_runs()
    chosen = os.environ.get("LOCAL_CLOUD") or ("localstack" if near else "ministack")
    assert chosen in {"ministack", "localstack"}, f"LOCAL_CLOUD: expected ministack or localstack, got {chosen}"
    return chosen


@pytest.fixture(scope="session")
def endpoint(emulator) -> Iterator[str]:
    if emulator == "ministack":
        with provision.running(enforce_iam=True) as address:  # so that every test proves the roles
            yield address
    elif _localstack_answers():
        yield os.environ["AWS_ENDPOINT_URL"]
    else:
        _compose("up", "--detach", "--wait", "localstack")
        try:
            yield "http://127.0.0.1:4566"
        finally:
            _compose("down", "--volumes")


@pytest.fixture(scope="session")
def workdir(tmp_path_factory) -> Path:
    """Where Terraform keeps its state."""
    return tmp_path_factory.mktemp("terraform")


@pytest.fixture(scope="session")
def training(tmp_path_factory) -> Iterator[Training]:
    """Versions 1, of DATA or generated listings, and 2, of a few listings, being trained while Terraform works."""
    folder = tmp_path_factory.mktemp("training")
    env = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}"}
    some, few = write_sample(folder / "some.csv", 1_500), write_sample(folder / "few.csv", 600)

    def train() -> None:
        data = load_data(Path(file)) if (file := os.environ.get("DATA")) else read_listings(some, generated=True)
        train_here(data, choose_params(quick=True, environ=env), Registry.open(env))
        done = subprocess.run([BELO, "train", few, "--quick"], capture_output=True, text=True, env=env, check=False)
        assert done.returncode == 0, done.stderr

    with ThreadPoolExecutor(1) as pool:
        yield Training(folder, env, pool.submit(train))


@pytest.fixture(scope="session")
def stack(endpoint, emulator, workdir, training) -> Stack:
    """The stack as Terraform provisions it, but quicker to notice a new champion, and without queues (a minute)."""
    target = bundle.build(provision.target(endpoint, emulator))
    variables = {"champion_poll_seconds": 2, "retraining": False}
    return provision.provision(endpoint, emulator, target, workdir, variables)


@pytest.fixture(scope="session")
def early_table(stack, endpoint, emulator, tmp_path_factory, request) -> Iterator[Future[str] | None]:
    """The table of the example of a Lambda consumer, being applied while others test: Terraform waits for most of it.

    It is None where nobody is going to ask for it.
    """
    wanted = any("price_table" in each.fixturenames for each in request.session.items)
    if not wanted or emulator == "localstack":
        yield None
        return
    folder = tmp_path_factory.mktemp("lambda-consumer")
    package = folder / "consumer.zip"
    with zipfile.ZipFile(package, "w") as archive:
        archive.write(LAMBDA_CONSUMER / "consumer.py", "consumer.py")
    stream = stack.client("kinesis").describe_stream_summary(StreamName=stack.predictions_stream)
    variables = {
        "predictions_stream_arn": stream["StreamDescriptionSummary"]["StreamARN"],
        "package": str(package),
        "region": stack.region,
        "runtime": f"python{bundle.RUNNING_PYTHON}",
        "endpoint": endpoint,
    }
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(lambda: terraform.apply(folder, variables, source=LAMBDA_CONSUMER)["table"])


@pytest.fixture
def price_table(early_table) -> str:
    """The name of that table."""
    if early_table is None:
        pytest.skip("LocalStack without Docker has no DynamoDB: it runs on MiniStack")
    return early_table.result(timeout=300)


@pytest.fixture(scope="session")
def cloud(stack, training, early_table) -> Cloud:
    """The stack with version 1 promoted."""
    training.done.result(timeout=300)
    readable = {"COLUMNS": "120", "NO_COLOR": "1"}
    found = Cloud(stack, training.env | stack.environment() | readable, training.folder)
    found.belo("promote", "1")
    return found


def _localstack_answers() -> bool:
    if not (address := os.environ.get("AWS_ENDPOINT_URL")):
        return False
    try:
        with urllib.request.urlopen(f"{address}/_localstack/health", timeout=5) as reply:
            return reply.status == 200
    except (urllib.error.URLError, OSError):
        return False


def _docker_runs() -> bool:
    if not shutil.which("docker"):
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0


def _compose(*arguments: str) -> None:
    subprocess.run(["docker", "compose", *arguments], cwd=ROOT, check=True)


@pytest.fixture
def stream(cloud) -> Iterator[str]:
    """A stream of its own, of two shards."""
    name = f"of-a-test-{uuid.uuid4().hex[:8]}"
    cloud.kinesis.create_stream(StreamName=name, ShardCount=2)
    cloud.kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
    yield name
    cloud.kinesis.delete_stream(StreamName=name)
