"""The worker's image: Docker builds it elsewhere, so that what it is made of is held here to what the task expects."""

import ast
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from types import MappingProxyType

import boto3
import pytest
from moto.server import ThreadedMotoServer

from hatch_build import PACKAGE, ROOMS
from terminal.stack import NAMES, OPTIONAL_NAMES

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "training/Dockerfile").read_text()
TASK = (ROOT / "infra/modules/stack/retraining_worker.tf").read_text()

# What `belo train-worker` imports, and `belo train` for a first model by hand; and what any command imports at once.
COMMANDS = ("training.retraining.assembly", "training.train", "training.data.load", "training.printing")
START = "belo_pricing.cli"
CARRIED = ("lambdas", "listing_files", "monitoring", "pricing", "terminal", "training")

STACK = (*NAMES, "retraining_queue")

# A root of its own as the container has it: the libraries, the interpreter and /venv read-only, /scratch of user 1000.
BOX = """
root=$1 venv=$2 interpreter=$3 commands=$4
mount --make-rprivate /
mount -t tmpfs -o mode=755 image "$root"
cd "$root"
bound() { mkdir -p "./$2" && mount --bind "$1" "./$2" && mount -o remount,bind,ro "./$2"; }
for each in bin lib lib64 sbin; do
  if [ -L "/$each" ]; then cp -P "/$each" .; elif [ -d "/$each" ]; then bound "/$each" "$each"; fi
done
bound /etc etc
bound /usr usr
bound "$interpreter" "$interpreter"
bound "$venv" venv
bound /dev dev
mkdir proc scratch
mount -t proc proc proc
mount -t tmpfs -o mode=755,uid=1000,gid=1000 scratch scratch
mount -o remount,ro image .
export PATH=/venv/bin:/usr/bin:/bin
exec /usr/sbin/chroot --userspec 1000:1000 --groups '' . /bin/sh -euc "cd /scratch; $commands"
"""


def distribution(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(name):
    """Return the requirements of a lock, like {("numpy", "2.4.6")}."""
    return set(re.findall(r"^([a-z0-9.-]+)==(\S+)", (ROOT / f"requirements/{name}.txt").read_text(), re.MULTILINE))


def environment(dockerfile):
    """Return what the image's environment says of folders."""
    (line,) = re.findall(r"^ENV (.+)", dockerfile, re.MULTILINE)
    stated = dict(each.split("=", 1) for each in line.split())
    return {name: value for name, value in stated.items() if name not in {"PATH", "PYTHONUNBUFFERED"}}


class Imports(ast.NodeVisitor):
    """What a module imports where it runs: at its start, or in its functions, too."""

    def __init__(self, *, in_functions):
        self.in_functions, self.found = in_functions, set()

    def visit_If(self, node):
        if ast.unparse(node.test) != "TYPE_CHECKING":
            self.generic_visit(node)

    def visit_FunctionDef(self, node):
        if self.in_functions:
            self.generic_visit(node)

    def visit_Import(self, node):
        self.found |= {alias.name for alias in node.names}

    def visit_ImportFrom(self, node):
        names = {f"{node.module}.{alias.name}" for alias in node.names}
        self.found |= {node.module} | {name for name in names if source(name)}


def source(module):
    path = ROOT.joinpath(*module.split("."))
    places = (path.with_suffix(".py"), path / "__init__.py")
    return next((place for place in places if place.exists()), None)


def modules(room):
    paths = [path.relative_to(ROOT).with_suffix("") for path in (ROOT / room).rglob("*.py")]
    return {".".join(path.parts).removesuffix(".__init__") for path in paths}


def libraries(*starts, in_functions):
    """Return the third-party packages that modules import, and those of ours that they import."""
    seen, waiting, found = set(), {*starts}, set()
    while waiting:
        module = waiting.pop()
        seen.add(module)
        package = module.partition(".")[0]
        if package in (*ROOMS, PACKAGE):
            imports = Imports(in_functions=in_functions)
            imports.visit(ast.parse(source(module).read_text()))
            waiting |= imports.found - seen
        elif package not in sys.stdlib_module_names:
            found.add(package)
    return found


def test_the_scratch_folder_of_the_image_is_that_of_the_task():
    (scratch,) = re.findall(r'^ *scratch = "(.+)"', TASK, re.MULTILINE)
    (user,) = re.findall(r'^ *user *= "(.+)"', TASK, re.MULTILINE)
    last = DOCKERFILE[DOCKERFILE.rindex("FROM ") :]
    assert f"install -d -o {user} -g {user} {scratch}\nVOLUME {scratch}\n" in last  # in this order: the volume takes it
    assert re.findall(r"^(?:USER|WORKDIR) (.+)", last, re.MULTILINE) == [scratch, user]
    in_task = re.findall(r"^ *([A-Z]+) *= local\.scratch", TASK, re.MULTILINE)
    assert environment(last) == dict.fromkeys(in_task, scratch)


def test_both_stages_stand_on_one_base_that_cannot_move():
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.12-slim@sha256:[0-9a-f]{64}", bases[0])


def test_the_image_is_built_from_every_room():
    assert set(re.findall(r"^COPY (\w+) \w+$", DOCKERFILE, re.MULTILINE)) == {*ROOMS, PACKAGE, "markets"}


def test_the_worker_finds_every_library_that_it_imports():
    provided = {name for name, _ in locked("worker")}
    providers = packages_distributions()
    at_once = {START, *(module for room in CARRIED for module in modules(room))} - {"training.explore"}  # `make eda`
    needed = libraries(*COMMANDS, in_functions=True) | libraries(*at_once, in_functions=False)
    needed -= {"snapshot_restore_py"}  # the functions do without it, where Lambda's runtime is not
    missing = {each for each in needed if not provided & {distribution(name) for name in providers[each]}}
    assert missing == set()
    assert {"mlflow", "sklearn", "boto3", "typer"} <= needed  # or the search above finds nothing


def test_the_worker_has_the_versions_that_were_tested_and_none_of_the_tools():
    worker = locked("worker")
    assert worker <= locked("dev")
    assert not {"hatchling", "mlflow", "moto", "mypy", "pytest", "ruff", "uv"} & {name for name, _ in worker}


@pytest.fixture(scope="module")
def venv(tmp_path_factory):
    """An environment made as the Dockerfile makes its own, for this interpreter."""
    folder = tmp_path_factory.mktemp("image")
    uv = [sys.executable, "-m", "uv"]
    place, target = folder / "venv", ["--quiet", "--python", str(folder / "venv/bin/python")]
    build = ["--wheel", "--build-constraints", "requirements/dev.txt", "--require-hashes", "--out-dir", str(folder)]
    for command in (
        ["venv", "--quiet", "--relocatable", "--python", sys.executable, str(place)],
        ["pip", "sync", *target, "--require-hashes", "requirements/worker.txt"],
        ["build", "--quiet", *build],
    ):
        subprocess.run([*uv, *command], cwd=ROOT, check=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([*uv, "pip", "install", *target, "--no-deps", str(wheel)], cwd=ROOT, check=True)
    return place


@pytest.fixture
def in_box(venv, tmp_path):
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("only root may make a root folder of its own")
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no mount namespace may be made here: {tried.stderr.strip()}")

    def run(commands, more=MappingProxyType({})):
        box = ["unshare", "--mount", "/bin/sh", "-euc", BOX, "box", tmp_path, venv, sys.base_prefix, commands]
        env = {"PATH": os.environ["PATH"], "MLFLOW_TRACKING_URI": "sqlite:////scratch/mlflow.db"}
        env |= environment(DOCKERFILE) | more
        return subprocess.run(box, env=env, capture_output=True, text=True, check=False)

    return run


@pytest.mark.slow
def test_the_box_lets_user_1000_write_to_its_scratch_folder_and_nowhere_else(in_box):
    tried = in_box("id -u; touch here; for each in / /venv /usr /dev /dev/shm /etc; do touch $each/x || echo no; done")
    assert (tried.returncode, tried.stdout) == (0, "1000\n" + "no\n" * 6)


@pytest.mark.slow
def test_user_1000_trains_and_registers_with_the_workers_requirements_and_the_scratch_folder_alone(in_box):
    trained = in_box("belo train --quick && belo models --json")
    assert trained.returncode == 0, trained.stderr
    assert '"version":"1"' in trained.stdout


@pytest.mark.slow
def test_user_1000_looks_for_a_request_and_finds_none(in_box):
    names = {variable: name.replace("_", "-") for name, variable in (NAMES | OPTIONAL_NAMES).items() if name in STACK}
    login = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        address = "http://{}:{}".format(*server.get_host_and_port())
        session = boto3.Session("test", "test", region_name="us-east-1")
        session.client("sqs", endpoint_url=address).create_queue(QueueName=names["BELO_RETRAINING_QUEUE"])
        asked = in_box("belo train-worker --once", {**login, **names, "AWS_ENDPOINT_URL": address})
    finally:
        server.stop()
    assert asked.returncode == 0, asked.stderr
    assert "no request waits" in asked.stderr
