"""The rules of the rooms: who may import whom, and what may never be in the repository."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CORE_LIBRARIES = {"msgspec", "pybase64", "numpy", "onnxruntime"}
RUNTIME_LIBRARIES = {"boto3", "botocore", "mypy_boto3_kinesis", "mypy_boto3_s3"}


def imported(package: str) -> dict[str, set[str]]:
    """Return the top-level packages that each module of a room imports, the standard library left out."""
    return {
        str(path.relative_to(ROOT)): {name for name in map(_top, _imports(path)) if name not in sys.stdlib_module_names}
        for path in (ROOT / package).rglob("*.py")
    }


def _imports(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.append(node.module or "")
    return names


def _top(name: str) -> str:
    return name.partition(".")[0]


def test_the_core_imports_nothing_of_ours_and_four_libraries():
    modules = imported("pricing")
    assert modules
    assert set().union(*modules.values()) <= {"pricing"} | CORE_LIBRARIES


def test_the_functions_import_the_core_and_what_the_runtime_has():
    allowed = {"lambdas", "pricing"} | CORE_LIBRARIES | RUNTIME_LIBRARIES
    modules = imported("lambdas")
    assert modules
    assert set().union(*modules.values()) <= allowed


@pytest.mark.parametrize("room", ["stream_producer", "stream_consumer"])
def test_the_stream_rooms_know_nothing_of_training(room):
    for module, found in imported(room).items():
        assert "training" not in found, module


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False).stdout
    paths = [ROOT / name.decode() for name in listed.split(b"\0") if name]
    return [path for path in paths if path.is_file()]


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git checkout, so nothing says what is tracked")
def test_no_pickles_archives_models_or_registry_locks_are_committed():
    forbidden = {".pkl", ".pickle", ".joblib", ".onnx", ".zip", ".whl", ".parquet", ".db", ".lock"}
    assert [path for path in tracked() if path.suffix in forbidden or path.name == "package-lock.json"] == []


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git checkout, so nothing says what is tracked")
def test_no_registry_hosts_and_no_paths_of_one_machine_are_committed():
    words = [
        b"pypi." + b"org",
        b"registry." + b"terraform",
        b"registry." + b"npmjs",
        b"/ro" + b"ot/",
        b"/wo" + b"rk/",
    ]
    found = [(path.name, word) for path in tracked() for word in words if word in path.read_bytes()]
    assert found == []


def test_every_requirement_is_locked_with_a_hash():
    locks = sorted((ROOT / "requirements").glob("*.txt"))
    assert {path.stem for path in locks} >= {"dev", "lambda", "ministack", "uv"}
    for path in locks:
        text = path.read_text()
        assert "http" not in text.replace("aiohttp", "").replace("httptools", "").replace("httpx", "").replace(
            "httpcore", ""
        ), path
        requirements = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
        assert all(line.endswith("\\") for line in requirements), path
