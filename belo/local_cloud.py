"""A local cloud with the stack on it: `make up`, `make down`, and the clouds of the demo and the tests."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from belo import bundle as bundles
from belo import ministack, terraform
from belo.errors import Failure
from belo.stack import ENV_FILE, NAMES, Credentials, Stack

REGION = "us-east-1"
UP = ministack.FOLDER / "up"
ENV = ministack.ROOT / ENV_FILE


@contextmanager
def running(*, enforce_iam: bool = False) -> Iterator[str]:
    """Run a MiniStack of one's own; yields its endpoint. It ends with the context, or with this process."""
    with ministack.running(enforce_iam=enforce_iam) as instance:
        yield instance.endpoint


def provision(
    endpoint: str, emulator: str, bundle: Path, workdir: Path, variables: Mapping[str, object] | None = None
) -> Stack:
    """Let Terraform make the stack on the cloud that answers at `endpoint`; its state stays in `workdir`.

    `emulator` is "ministack" or "localstack"; `variables` are Terraform's, for other than the defaults.
    """
    settings = {
        "region": REGION,
        "emulator": emulator,
        "endpoint": endpoint,
        "bundle": str(bundle.resolve()),
        "runtime": f"python{bundles.RUNNING_PYTHON}",
        **(variables or {}),
    }
    outputs = terraform.apply(workdir, settings)
    return Stack(
        **{name: outputs[name] for name in NAMES},
        region=REGION,
        endpoint_url=endpoint,
        credentials=Credentials(access_key_id="test", secret_access_key="test"),  # noqa: S106 - any will do
    )


def changes(workdir: Path) -> list[str]:
    """Return what another `provision` in `workdir` would change: nothing, if all is well."""
    return terraform.changes(workdir)


def up() -> Stack:
    """Start a local cloud that outlives this process, provisioned; write build/stack.env. No champion yet.

    One that is up already is left as it is, and returned.
    """
    console = Console(stderr=True)
    if ENV.is_file() and ministack.processes(UP) and ministack.healthy(_endpoint()):
        console.print("the local cloud is up already")
        return Stack.find({}, ENV)
    down()
    UP.mkdir(parents=True)
    try:
        console.print("starting MiniStack and provisioning the stack (half a minute) ...")
        instance = ministack.start(UP, detached=True)
        (UP / "endpoint").write_text(instance.endpoint)
        stack = provision(instance.endpoint, "ministack", bundles.build(bundles.Target()), UP)
        stack.write_env(ENV)
    except BaseException:
        down()
        raise
    console.print(f"up at {instance.endpoint}; {ENV_FILE} names it")
    return stack


def down() -> None:
    """Stop the local cloud of `up` and forget it; does nothing where there is none."""
    # A stack.env that names another cloud is somebody's own.
    if ENV.is_file() and f"AWS_ENDPOINT_URL={_endpoint()}" in ENV.read_text().splitlines():
        ENV.unlink()
    ministack.stop(UP)


def _endpoint() -> str:
    path = UP / "endpoint"
    return path.read_text() if path.is_file() else "none"


def main() -> None:
    """Run `up` or `down` as the first argument says."""
    commands = {"up": up, "down": down}
    if sys.argv[1:] not in [["up"], ["down"]]:
        sys.exit("usage: python -m belo.local_cloud up|down")
    try:
        commands[sys.argv[1]]()
    except Failure as failure:
        sys.exit(f"local cloud: {failure}")


if __name__ == "__main__":
    main()
