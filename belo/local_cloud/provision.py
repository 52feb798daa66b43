"""A cloud provisioned by Terraform, with a champion in it."""

import json
import os
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from belo import bundle as bundles
from belo import terraform
from belo.local_cloud import ministack
from pricing.manifest import Manifest
from terminal.stack import NAMES, OPTIONAL_NAMES, Credentials, Stack

REGION = "us-east-1"


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
    arguments: Mapping[str, object] | None = None,
    stop: threading.Event | None = None,
) -> Stack:
    """Let Terraform make the stack on the cloud that answers at `endpoint`; its state stays in `workdir`.

    `emulator` is "ministack" or "localstack"; `arguments` are those of the module, for other than the defaults. Setting
    `stop` ends it with a Failure.
    """
    variables = {"region": REGION, "emulator": emulator, "endpoint": endpoint}
    settings = {
        "bundle": str(bundle.resolve()),
        "runtime": f"python{bundles.python_of(bundle)}",
        "retention_hours": 24,  # what a stream begins with: to ask for more takes ten seconds, and nobody waits here
        **(arguments or {}),
    }
    outputs = terraform.apply_stack(workdir, variables, settings, stop)
    found = outputs["stack"] | {"price_url": outputs.get("price_url")}
    return Stack(
        **{name: found[name] for name in NAMES | OPTIONAL_NAMES if found.get(name)},
        region=REGION,
        endpoint_url=endpoint,
        credentials=Credentials(access_key_id="test", secret_access_key="test"),  # noqa: S106 - any will do
    )


def changes(workdir: Path) -> list[str]:
    """Return what another `provision` in `workdir` would change: nothing, if all is well."""
    return terraform.changes(workdir)


def with_champion(
    endpoint: str, workdir: Path, data: Path | None, arguments: Mapping[str, object] | None = None
) -> tuple[Stack, Manifest]:
    """Provision a MiniStack while a champion is trained, quickly, on a file or the generated sample; promote it."""
    from listing_files.market_file import CHOSEN
    from listing_files.rejects import Reading
    from training.data.load import load_data
    from training.params import choose_params
    from training.promotion.promote import promote
    from training.registry.mlflow_registry import Registry
    from training.registry.models_bucket import ModelsBucket
    from training.train import train

    terraform.require()  # before anything is trained
    params = choose_params(quick=True, environ=os.environ)
    listings, bundle, stop = load_data(data, Reading(params.market)), bundles.build(bundles.Target()), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        provisioning = pool.submit(provision, endpoint, "ministack", bundle, workdir, arguments, stop)
        try:
            registry = Registry.open(os.environ)
            manifest = train(listings, params, registry)
            stack = provisioning.result()
        except BaseException:
            stop.set()  # nobody waits for what is being provisioned
            raise
    promote(manifest.version, registry, ModelsBucket(stack.client("s3"), stack.models_bucket), "manual")
    return replace(stack, market=os.environ.get(CHOSEN) or None), manifest
