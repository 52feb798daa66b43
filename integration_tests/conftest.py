"""A running cloud with the stack on it and a champion in it: MiniStack or LocalStack, by LOCAL_CLOUD."""

import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from belo import bundle, local_cloud
from belo.stack import Stack
from integration_tests.cloud import BELO, Cloud

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Training:
    """A `belo train` under way: its folder, its environment, its process."""

    folder: Path
    env: dict[str, str]
    process: subprocess.Popen


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
        with local_cloud.running(enforce_iam=True) as address:  # so that every test proves the roles
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
def training(tmp_path_factory) -> Training:
    """A champion being trained, on DATA or on the generated sample, while Terraform works."""
    folder = tmp_path_factory.mktemp("training")
    env = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}"}
    log = (folder / "train.log").open("w")
    return Training(folder, env, subprocess.Popen([BELO, "train", "--quick"], stdout=log, stderr=log, env=env))


@pytest.fixture(scope="session")
def stack(endpoint, emulator, workdir, training) -> Stack:
    """The stack as Terraform provisions it, but quicker to notice a new champion, and without queues (a minute)."""
    target = bundle.build(local_cloud.target(endpoint, emulator))
    variables = {"champion_poll_seconds": 2, "retraining": False}
    return local_cloud.provision(endpoint, emulator, target, workdir, variables)


@pytest.fixture(scope="session")
def cloud(stack, training) -> Cloud:
    """The stack with the champion promoted."""
    assert training.process.wait(timeout=300) == 0, (training.folder / "train.log").read_text()
    readable = {"COLUMNS": "120", "NO_COLOR": "1"}
    found = Cloud(stack, training.env | stack.environment() | readable, training.folder)
    found.belo("promote")
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
