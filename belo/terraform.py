"""Terraform, quiet: in a work folder of its own, with a provider from a local mirror where there is one."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from terminal.errors import Failure

ROOT = Path(__file__).resolve().parent.parent
INFRA = ROOT / "infra"
LOCAL = Path("environments") / "local"
STACK = Path("modules") / "stack"
PLUGIN_CACHE = ROOT / ".cache" / "terraform-plugins"
MIRRORS = ("~/.terraform.d/plugins", "/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins")
MISSING = "terraform is not installed; version 1.9 or newer is needed"
# LocalStack closes a connection after five seconds, which is how often the provider asks whether a function is there:
# an answer may be lost, and what was made is asked for again. Such an alias is taken into the state; MiniStack, which
# is started here, gives its first answer again (local_cloud/serve.py).
ALIAS_EXISTS = re.compile(r"Alias already exists: live.*?with (module\.[^,\s]+)", re.DOTALL)
LOCAL_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def require() -> None:
    """Raise Failure where there is no Terraform."""
    if not shutil.which("terraform"):
        raise Failure(MISSING)


def apply(
    workdir: Path, variables: Mapping[str, object], source: Path, stop: threading.Event | None = None
) -> dict[str, Any]:
    """Provision a local cloud from a copy of a root module in `workdir`, whose state stays there; return the outputs.

    Raises Failure with the end of Terraform's own words; setting `stop` kills it.
    """
    folder = _prepared(workdir, source, variables, stop)
    return _applied(folder, stop)


def apply_stack(
    workdir: Path, variables: Mapping[str, object], arguments: Mapping[str, object], stop: threading.Event | None = None
) -> dict[str, Any]:
    """Provision the stack on a local cloud; `arguments` are those of the module, `variables` the environment's."""
    override = {"module": {"stack": dict(arguments)}}
    folder = _prepared(workdir, INFRA / LOCAL, variables, stop, override)
    while True:
        try:
            return _applied(folder, stop)
        except Failure as failure:
            if not (taken := ALIAS_EXISTS.search(str(failure))):
                raise
            _terraform(folder, "import", "-input=false", taken[1], f"{_function(folder, taken[1])}/live", stop=stop)


def _prepared(
    workdir: Path,
    source: Path,
    variables: Mapping[str, object],
    stop: threading.Event | None,
    override: Mapping[str, object] | None = None,
) -> Path:
    folder = _copy(workdir, source)
    for name, content in (("terraform.tfvars.json", variables), ("arguments_override.tf.json", override)):
        if content is not None:
            (folder / name).write_text(json.dumps(dict(content), indent=2), encoding="utf-8")
    _terraform(folder, *_init(), stop=stop)
    return folder


def _applied(folder: Path, stop: threading.Event | None) -> dict[str, Any]:
    _terraform(folder, "apply", "-input=false", "-auto-approve", stop=stop)
    outputs = json.loads(_terraform(folder, "output", "-json", stop=stop))
    return {name: output["value"] for name, output in outputs.items()}


def _function(folder: Path, alias: str) -> str:
    """Return the name of the function beside an alias, as the state has it."""
    state = json.loads((folder / "terraform.tfstate").read_text(encoding="utf-8"))
    module = alias.rpartition(".aws_lambda_alias")[0]
    (found,) = [
        each for each in state["resources"] if (each.get("module"), each["type"]) == (module, "aws_lambda_function")
    ]
    name: str = found["instances"][0]["attributes"]["function_name"]
    return name


def changes(workdir: Path) -> list[str]:
    """Return what another apply of the stack would do, like "update aws_s3_bucket.models"; nothing is right."""
    lines = _terraform(workdir / "infra" / LOCAL, "plan", "-input=false", "-json").splitlines()
    planned = [message["change"] for message in map(json.loads, lines) if message["type"] == "planned_change"]
    return [f"{change['action']} {change['resource']['addr']}" for change in planned]


def destroy(workdir: Path) -> None:
    """Destroy the stack that was provisioned in `workdir`; raises Failure with the end of Terraform's own words."""
    _terraform(workdir / "infra" / LOCAL, "destroy", "-input=false", "-auto-approve")


def again(workdir: Path) -> None:
    """Apply the stack of `workdir` once more, with what its files say now."""
    _terraform(workdir / "infra" / LOCAL, "apply", "-input=false", "-auto-approve")


def forget(workdir: Path, address: str) -> None:
    """Take a resource out of the state of `workdir`, and leave it as it is."""
    _terraform(workdir / "infra" / LOCAL, "state", "rm", address)


def check() -> None:
    """Check infra/: format, validity, and the tests of its guarantees, none of which needs a cloud."""
    _terraform(INFRA, "fmt", "-check", "-recursive", "-diff", log=sys.stderr)
    with tempfile.TemporaryDirectory() as scratch:
        infra = _copy(Path(scratch), INFRA / STACK).parents[1]
        for folder in [*sorted((infra / "environments").iterdir()), infra / "bootstrap"]:
            _terraform(folder, *_init())
            _terraform(folder, "validate", log=sys.stderr)
        _terraform(infra / STACK, *_init())
        _terraform(infra / STACK, "test", log=sys.stderr)


def _copy(workdir: Path, source: Path) -> Path:
    # A copy, so that clouds at once share no state and no lock file: of a module alone, or of all of infra/.
    ignored = shutil.ignore_patterns(".terraform*", "*.tfstate*", "*.tfvars*")
    whole = INFRA if source.is_relative_to(INFRA) else source
    copied = Path(shutil.copytree(whole, workdir / whole.name, ignore=ignored, dirs_exist_ok=True))
    return copied / source.relative_to(whole)


def _init() -> list[str]:
    mirror = plugin_mirror(os.environ)
    return ["init", "-input=false", "-backend=false"] + ([f"-plugin-dir={mirror}"] if mirror else [])


def plugin_mirror(environ: Mapping[str, str], mirrors: tuple[str, ...] = MIRRORS) -> Path | None:
    """Return the folder with a local copy of the AWS provider: TF_PLUGIN_DIR, or the first place that has one."""
    if named := environ.get("TF_PLUGIN_DIR"):
        return Path(named)
    places = [Path(place).expanduser() for place in mirrors] + sorted(Path("/opt").glob("*"))
    return next((place for place in places if any(place.glob("*/hashicorp/aws"))), None)


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for Terraform on a local cloud: nobody's AWS or Terraform settings reach it."""
    clean = {name: value for name, value in environ.items() if not name.startswith(("AWS_", "TF_"))}
    if Path(environ.get("TF_CLI_CONFIG_FILE", "")).is_file():  # some machines name one that is not there
        clean["TF_CLI_CONFIG_FILE"] = environ["TF_CLI_CONFIG_FILE"]
    PLUGIN_CACHE.mkdir(parents=True, exist_ok=True)
    return (
        clean
        | LOCAL_CREDENTIALS
        | {
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
            # Without a mirror: download the provider once, and not for every work folder.
            "TF_PLUGIN_CACHE_DIR": environ.get("TF_PLUGIN_CACHE_DIR", str(PLUGIN_CACHE)),
            "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "1",
            "GOGC": "400",  # the provider's schema is huge; a lazier collector saves a third of the time
        }
    )


def _terraform(folder: Path, *arguments: str, log: TextIO | None = None, stop: threading.Event | None = None) -> str:
    command = ["terraform", f"-chdir={folder}", *arguments]
    try:
        process = subprocess.Popen(
            [*command, "-no-color"] if arguments[0] != "fmt" else command,
            env=environment(os.environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # its providers are in it, and end with it
        )
    except FileNotFoundError:
        raise Failure(MISSING) from None
    with process:
        output, complained = _output(process, stop or threading.Event())
    if log:
        log.write(output)
    if process.returncode:
        raise Failure(f"terraform {arguments[0]} failed: {(complained or output).strip()[-4000:]}")
    return output


def _output(process: "subprocess.Popen[str]", stop: threading.Event) -> tuple[str, str]:
    """Return what a process wrote until its end; kill its session when `stop` is set or a signal raises."""
    try:
        while not stop.is_set():
            with suppress(subprocess.TimeoutExpired):
                return process.communicate(timeout=0.2)
    except BaseException:
        _kill(process)
        raise
    _kill(process)
    raise Failure("stopped")


def _kill(session: "subprocess.Popen[str]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(session.pid, signal.SIGKILL)


if __name__ == "__main__":
    if sys.argv[1:] != ["check"]:
        sys.exit("usage: python -m belo.terraform check")
    try:
        check()
    except Failure as failure:
        sys.exit(f"terraform: {failure}")
