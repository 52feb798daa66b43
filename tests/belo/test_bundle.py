import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from belo import bundle
from terminal.errors import Failure
from tests.champions import champion

# What the runtime has besides the bundle, with what it needs itself.
RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")
SCORE = """
import json, sys
from pathlib import Path
import boto3, lambdas.score, msgspec, numpy, onnxruntime, pybase64
from pricing import model
from pricing.listing import Features
loaded = model.load(Path(sys.argv[1]).read_bytes(), Path(sys.argv[2]).read_bytes())
prices = loaded.predict([Features(neighborhood="Buritis", area_m2=100.0)])
mine = {name: str(Path(sys.modules[name].__file__)) for name in
        ("lambdas", "pricing", "msgspec", "numpy", "onnxruntime", "pybase64")}
compiled = {name: str(Path(sys.modules[name].__cached__)) for name in mine}
print(json.dumps({"price": float(prices.price[0]), "files": mine, "compiled": compiled}))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    return bundle.build(bundle.Target(), tmp_path_factory.mktemp("one"))


@pytest.fixture(scope="module")
def names(built) -> set[str]:
    with zipfile.ZipFile(built) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def unzipped(built, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def runtime(tmp_path_factory) -> Path:
    """A folder with boto3 and what it needs, and nothing else."""
    folder = tmp_path_factory.mktemp("runtime")
    for name in RUNTIME:
        origin = Path(importlib.util.find_spec(name).origin)
        found = origin.parent if origin.name == "__init__.py" else origin
        (folder / found.name).symlink_to(found)
    return folder


def test_the_same_inputs_give_the_same_bytes(built, tmp_path):
    again = bundle.build(bundle.Target(), tmp_path)
    assert again.name == built.name
    assert again.read_bytes() == built.read_bytes()


def test_what_was_built_is_not_built_again(built):
    before = built.stat().st_mtime_ns
    assert bundle.build(bundle.Target(), built.parent) == built
    assert built.stat().st_mtime_ns == before


def test_the_newest_stands_beside_it_under_a_name_that_does_not_change(built):
    newest = built.parent / f"{bundle.Target().name}.zip"
    assert newest.read_bytes() == built.read_bytes()


def test_its_name_says_what_it_runs_on(built):
    assert bundle.python_of(built) == bundle.RUNNING_PYTHON


def test_it_scores_in_an_interpreter_that_sees_nothing_but_it_and_boto3(unzipped, runtime, tmp_path):
    tiny = champion()
    (tmp_path / "model.onnx").write_bytes(tiny.model)
    (tmp_path / "manifest.json").write_bytes(tiny.manifest)
    done = subprocess.run(
        [sys.executable, "-S", "-s", "-P", "-c", SCORE, tmp_path / "model.onnx", tmp_path / "manifest.json"],
        env={"PYTHONPATH": f"{unzipped}{os.pathsep}{runtime}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # ONNX Runtime warns of parts that it misses
    answer = json.loads(done.stdout)
    assert answer["price"] > 0
    assert all(file.startswith(str(unzipped)) for file in answer["files"].values()), answer["files"]


def test_every_source_is_compiled_for_its_python_and_trusted_without_a_look_at_the_source(names, unzipped):
    sources = {name for name in names if name.endswith(".py")}
    tag = sys.implementation.cache_tag
    compiled = {f"{Path(name).parent / '__pycache__' / Path(name).stem}.{tag}.pyc" for name in sources}
    assert "lambdas/score.py" in sources
    assert compiled == {name for name in names if name.endswith(".pyc")}
    for name in compiled:
        assert (unzipped / name).read_bytes()[4:8] == (1).to_bytes(4, "little"), name  # hash, unchecked


def test_nothing_of_training_and_no_tests_are_inside(names):
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "lambdas",
        "msgspec",
        "numpy",
        "numpy.libs",
        "onnxruntime",
        "pricing",
        "pybase64",
    }
    assert not [name for name in names if "/tests/" in name]


def test_licences_of_what_is_carried_are_carried_too(names):
    for library in ("msgspec", "numpy", "onnxruntime", "pybase64"):
        assert [name for name in names if name.startswith(library) and "LICENSE" in name.upper()], library


def test_it_fits_into_a_function_with_a_margin(built):
    assert bundle.unzipped_bytes(built) < bundle.LIMIT_BYTES - bundle.MARGIN_BYTES


def test_a_python_that_the_machine_does_not_have_is_one_clear_line(tmp_path):
    with pytest.raises(Failure, match=r"^no Python 3\.99 on this machine"):
        bundle.build(bundle.Target(python="3.99"), tmp_path)
