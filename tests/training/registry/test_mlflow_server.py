"""The same code against a real MLflow server, found through MLFLOW_TRACKING_URI."""

import os
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from pricing.model import load
from terminal.errors import Failure
from training.registry.mlflow_registry import Registry
from training.train import train

pytestmark = pytest.mark.slow

PATIENCE = 90  # seconds; a busy machine starts it slowly


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {
        "host": "127.0.0.1",
        "port": port,
        "workers": 1,
        "backend-store-uri": f"sqlite:///{folder}/server.db",
        "artifacts-destination": folder / "files",
    }
    command = [sys.executable, "-m", "mlflow", "server", *(f"--{name}={value}" for name, value in options.items())]
    environ = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=environ)
    try:
        uri = f"http://127.0.0.1:{port}"
        _wait(uri, process, folder / "log")
        yield uri
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(uri, process, log):
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{uri}/health", timeout=2) as reply:
                if reply.status == 200:
                    return
        except OSError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.3)
    pytest.fail(f"mlflow server did not start: {log.read_text()}")


def test_a_version_trained_on_a_server_is_found_and_loaded_from_it(server, data, params):
    manifest = train(data, params, Registry.open({"MLFLOW_TRACKING_URI": server}))
    registry = Registry.open({"MLFLOW_TRACKING_URI": server})
    version = registry.find(manifest.version)
    assert version.aliases == ("challenger",)
    assert load(*registry.artefacts(version)).manifest == manifest
    assert registry.read(version.run_id, "card.md").startswith(b"# house-price, version 1")
    assert registry.read(version.run_id, "no such file") is None
    registry.point("champion", manifest.version)
    registry.unpoint("challenger")
    assert registry.find(manifest.version).aliases == ("champion",)


def test_a_server_that_does_not_answer_is_one_clear_failure(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(Failure, match=r"MLflow at http://127\.0\.0\.1:9 does not answer"):
        Registry.open({"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"})
