"""A local cloud with the stack on it: `make up`, `make down`, and the clouds of the demo and the tests."""

import fcntl
import json
import os
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from belo import bundle as bundles
from belo import ministack, terraform
from belo.errors import Failure
from belo.signals import ended_by_signals
from belo.stack import ENV_FILE, NAMES, OPTIONAL_NAMES, Credentials, Stack
from pricing.manifest import Manifest
from stream_producer.listing_files import existing

REGION = "us-east-1"
UP = ministack.FOLDER / "up"
ENV = ministack.ROOT / ENV_FILE


@contextmanager
def running(*, enforce_iam: bool = False) -> Iterator[str]:
    """Run a MiniStack of one's own; yields its endpoint. It ends with the context, or with this process."""
    with ministack.running(enforce_iam=enforce_iam) as instance:
        yield instance.endpoint


def target(endpoint: str, emulator: str) -> bundles.Target:
    """Return what functions run on there: this machine's Python, but with LocalStack in Docker AWS's own images.

    Those of AWS up to python3.11 are too old for the wheels.
    """
    if emulator == "localstack" and bundles.RUNNING_PYTHON == "3.11":
        with urllib.request.urlopen(f"{endpoint}/_localstack/info", timeout=10) as reply:  # noqa: S310 - http
            if json.load(reply)["is_docker"]:
                return bundles.Target(python="3.12")
    return bundles.Target()


def provision(
    endpoint: str,
    emulator: str,
    bundle: Path,
    workdir: Path,
    variables: Mapping[str, object] | None = None,
    stop: threading.Event | None = None,
) -> Stack:
    """Let Terraform make the stack on the cloud that answers at `endpoint`; its state stays in `workdir`.

    `emulator` is "ministack" or "localstack"; `variables` are Terraform's, for other than the defaults. Setting `stop`
    ends it with a Failure.
    """
    settings = {
        "region": REGION,
        "emulator": emulator,
        "endpoint": endpoint,
        "bundle": str(bundle.resolve()),
        "runtime": f"python{bundles.python_of(bundle)}",
        "retention_hours": 24,  # what a stream begins with: to ask for more takes ten seconds, and nobody waits here
        **(variables or {}),
    }
    outputs = terraform.apply(workdir, settings, stop)
    return Stack(
        **{name: outputs[name] for name in NAMES | OPTIONAL_NAMES if name in outputs},
        region=REGION,
        endpoint_url=endpoint,
        credentials=Credentials(access_key_id="test", secret_access_key="test"),  # noqa: S106 - any will do
    )


def changes(workdir: Path) -> list[str]:
    """Return what another `provision` in `workdir` would change: nothing, if all is well."""
    return terraform.changes(workdir)


def with_champion(
    endpoint: str, workdir: Path, data: Path | None, variables: Mapping[str, object] | None = None
) -> tuple[Stack, Manifest]:
    """Provision a MiniStack while a champion is trained, quickly, on a file or the generated sample; promote it."""
    from training.bootstrap import choose_params, load_data
    from training.models_bucket import ModelsBucket
    from training.promote import promote
    from training.registry import Registry
    from training.train import train

    terraform.require()  # before anything is trained
    listings, bundle, stop = load_data(data), bundles.build(bundles.Target()), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        provisioning = pool.submit(provision, endpoint, "ministack", bundle, workdir, variables, stop)
        try:
            registry = Registry.open(os.environ)
            manifest = train(listings, choose_params(quick=True), registry)
            stack = provisioning.result()
        except BaseException:
            stop.set()  # nobody waits for what is being provisioned
            raise
    promote(manifest.version, registry, ModelsBucket(stack.client("s3"), stack.models_bucket), "manual")
    return stack, manifest


def up(data: Path | None) -> Stack:
    """Start a local cloud that outlives this process, with a champion trained on `data`; write build/stack.env.

    One that is up already is left as it is, and returned; what an interrupted start has left is cleared away.
    """
    console = Console(stderr=True, soft_wrap=True)
    with _alone():
        if _is_ours(ENV) and ministack.healthy(_endpoint()):
            console.print("the local cloud is up already", end="" if data else "\n")
            if data:
                console.print(f"; {data} is not looked at (`make down` first)", markup=False)
            return Stack.find({}, ENV)
        if data:
            existing(data)
        down()
        UP.mkdir()
        try:
            console.print("starting MiniStack, provisioning the stack and training a champion (a minute or two) ...")
            instance = ministack.start(UP, ministack.environment(), detached=True)
            (UP / "endpoint").write_text(instance.endpoint)
            stack, manifest = with_champion(instance.endpoint, UP, data)
            stack.write_env(ENV)
        except BaseException:
            down()
            raise
    console.print(f"up at {instance.endpoint} with champion {manifest.version}; {ENV_FILE} names it")
    if manifest.generated_data:
        console.print("its champion learnt from the generated sample: `make up DATA=file.csv` takes real listings")
    return stack


def down() -> None:
    """Stop the local cloud of `up` and forget it; does nothing where there is none."""
    if _is_ours(ENV):
        ENV.unlink()
    ministack.stop(UP)


@contextmanager
def _alone() -> Iterator[None]:
    ministack.FOLDER.mkdir(parents=True, exist_ok=True)
    with (ministack.FOLDER / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure("another `make up` is under way") from None
        yield


def _is_ours(env_file: Path) -> bool:
    # A stack.env that names another cloud is somebody's own.
    return env_file.is_file() and f"AWS_ENDPOINT_URL={_endpoint()}" in env_file.read_text(errors="replace").splitlines()


def _endpoint() -> str:
    path = UP / "endpoint"
    return path.read_text() if path.is_file() else "none"


def main() -> None:
    """Run `up` or `down` as the first argument says."""
    if sys.argv[1:] not in [["up"], ["down"]]:
        sys.exit("usage: python -m belo.local_cloud up|down")
    data = os.environ.get("DATA")
    try:
        with ended_by_signals("local cloud"):
            if sys.argv[1] == "up":
                up(Path(data) if data else None)
            else:
                down()
    except Failure as failure:
        failure.exit("local cloud")


if __name__ == "__main__":
    main()
