"""A local cloud with the stack on it: `make up`, `make down`, and the clouds of the demo and the tests."""

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from belo.local_cloud import ministack
from belo.local_cloud.provision import with_champion
from listing_files.reading import existing
from terminal.errors import Failure
from terminal.signals import ended_by_signals
from terminal.stack import ENV_FILE, Stack

UP = ministack.FOLDER / "up"
ENV = ministack.ROOT / ENV_FILE


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
        if ENV.exists():
            raise Failure(f"{ENV_FILE} names another stack: move it away, and name it with --stack")
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
