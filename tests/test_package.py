"""What `pip install` gives: one package, the command and the Python API, with nothing of the repository beside it."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from hatch_build import PACKAGE, ROOMS, rewritten

ROOT = Path(__file__).parent.parent

# Runs the installed command where only the base dependencies can be imported.
ALONE = """
import sys
forbidden = {names!r}

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in forbidden:
            raise ModuleNotFoundError(name, name=name)

sys.path[:] = [{wheel!r}] + [each for each in sys.path if each and each != {root!r}]
sys.meta_path.insert(0, Refuse())
{code}
"""
HEAVY = ("numpy", "pandas", "onnxruntime", "pyarrow", "sklearn", "mlflow", "pybase64", "ijson", "zstandard", "scipy")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def unpacked(wheel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def run(unpacked, code, *arguments):
    names = (*HEAVY, *ROOMS)
    alone = ALONE.format(names=names, wheel=str(unpacked), root=str(ROOT), code=code)
    command = [sys.executable, "-c", alone, *arguments]
    return subprocess.run(command, cwd=unpacked, capture_output=True, text=True, check=False)


def test_a_wheel_holds_one_package_and_neither_tests_nor_what_needs_the_repository(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {PACKAGE, "belo_horizonte_pricing"}
    assert not [name for name in names if "/demo/" in name or "local_cloud" in name or "test_" in name]
    assert f"{PACKAGE}/markets/belo-horizonte.yaml" in names


def test_imports_are_rewritten_line_by_line_and_nothing_else_is():
    source = "from pricing.market import Market\n    import training.train\nfrom pricing_of import x\n# from pricing\n"
    assert rewritten(source) == (
        f"from {PACKAGE}.pricing.market import Market\n    import {PACKAGE}.training.train\n"
        "from pricing_of import x\n# from pricing\n"
    )


def test_the_command_and_the_api_need_nothing_but_the_base_dependencies(unpacked):
    help_ = run(unpacked, f"from {PACKAGE}.cli import main; main()", "--help")
    assert (help_.returncode, help_.stderr) == (0, "")
    assert "publish" in help_.stdout
    code = (
        f"from {PACKAGE} import Consumer, Publisher, cli\n"
        f"from {PACKAGE}.stream_consumer.testing import MemoryStream\n"
        "stream = MemoryStream('listings')\n"
        "home = {'listing_id': 'L-1', 'neighborhood': 'Centro', 'area_m2': 80}\n"
        "print(Publisher(stream, 'listings').publish([home]))\n"
        "assert not [name for name in sys.modules if name.partition('.')[0] in forbidden], 'a room by its bare name'\n"
    )
    assert "complete=True" in run(unpacked, code).stdout


def test_a_command_whose_extra_is_missing_says_which(unpacked):
    asked = run(unpacked, f"from {PACKAGE}.cli import main; main()", "train", "--quick")
    assert (asked.returncode, asked.stdout) == (1, "")
    assert asked.stderr == "belo: this needs numpy: pip install 'belo-horizonte-pricing[train]'\n"


@pytest.mark.slow
def test_a_clean_environment_takes_it_with_its_dependencies(wheel, tmp_path):
    venv.create(tmp_path / "env", with_pip=True)
    binaries = tmp_path / "env" / "bin"
    subprocess.run([binaries / "pip", "install", "--quiet", str(wheel)], check=True, capture_output=True)
    for arguments in (["--help"], ["publish", "--help"], ["market", "new", "--help"]):
        asked = subprocess.run([binaries / "belo", *arguments], cwd=tmp_path, capture_output=True, check=False)
        assert asked.returncode == 0
