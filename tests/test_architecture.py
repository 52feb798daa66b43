"""The rules of the rooms: who may import whom, and what may never be in the repository."""

import ast
import functools
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CORE_LIBRARIES = {"msgspec", "pybase64", "numpy", "onnxruntime"}
RUNTIME_LIBRARIES = {"botocore", "mypy_boto3_events", "mypy_boto3_kinesis", "mypy_boto3_s3", "snapshot_restore_py"}

# Each level may import from those above it; what stands beside it in its level may not.
LEVELS = (
    ("pricing", "terminal"),
    ("lambdas", "listing_files"),
    ("monitoring", "training", "stream_producer", "stream_consumer"),
    ("belo",),
    ("benchmarks", "integration_tests"),
)
LEVELS_OF_TRAINING = (
    ("arrays", "params"),
    ("data",),
    ("model",),
    ("export", "registry"),
    ("evaluation",),
    ("promotion", "sales_contest"),
    ("fitting", "tracking", "train"),
    ("retraining",),
    ("printing", "cli", "market_cli", "explore"),
)
BESIDE = {("tracking", "fitting"), ("train", "fitting"), ("train", "tracking"), ("cli", "printing")}
ROOMS = [room for level in LEVELS for room in level]
MOST_MODULES = 13  # in a folder

Module = str


def imports(*rooms: str) -> dict[Module, set[Module]]:
    """Return what each module of some rooms imports, anywhere in its text."""
    paths = {_name(path): path for room in rooms for path in sorted((ROOT / room).rglob("*.py"))}
    return {name: _imports_of(path) for name, path in paths.items()}


@functools.cache
def _imports_of(path: Path) -> set[Module]:
    return set(_imports(path))


def _name(path: Path) -> Module:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _imports(path: Path) -> Iterator[Module]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            source = node.module or ""
            folder = ROOT.joinpath(*source.split("."))
            modules = {alias.name for alias in node.names if (folder / f"{alias.name}.py").exists()}
            yield from (f"{source}.{name}" for name in modules)
            if modules != {alias.name for alias in node.names}:
                yield source


def _packages(modules: dict[Module, set[Module]]) -> set[str]:
    found = {name.partition(".")[0] for names in modules.values() for name in names}
    return found - set(sys.stdlib_module_names)


def _climbs(levels: tuple[tuple[str, ...], ...], part: int, *rooms: str) -> list[str]:
    """Return the imports from a level of what is not in a lower one; `part` of a module's name is its place."""
    level = {name: place for place, names in enumerate(levels) for name in names}
    found = []
    for module, targets in imports(*rooms).items():
        here = [*module.split("."), ""][part]
        for target in targets:
            there = [*target.split("."), ""][part]
            known = here in level and there in level and here != there and target.split(".")[:part] == [*rooms][:part]
            if known and level[there] >= level[here] and (here, there) not in BESIDE:
                found.append(f"{module} imports {target}")
    return found


def test_the_core_imports_nothing_of_ours_and_four_libraries():
    assert _packages(imports("pricing")) <= {"pricing"} | CORE_LIBRARIES


def test_the_functions_import_the_core_and_what_the_runtime_has():
    assert _packages(imports("lambdas")) <= {"lambdas", "pricing"} | CORE_LIBRARIES | RUNTIME_LIBRARIES


def test_rooms_import_from_lower_levels_only():
    assert _climbs(LEVELS, 0, *ROOMS) == []


def test_every_part_of_training_imports_from_lower_levels_only():
    assert _climbs(LEVELS_OF_TRAINING, 1, "training") == []
    placed = {name for level in LEVELS_OF_TRAINING for name in level}
    assert {path.stem for path in (ROOT / "training").iterdir() if path.suffix == ".py"} - {"__init__"} <= placed
    assert {path.name for path in (ROOT / "training").iterdir() if (path / "__init__.py").exists()} <= placed


def test_no_modules_import_each_other_in_a_circle():
    graph = imports(*ROOMS, "tests")
    TopologicalSorter({name: targets & graph.keys() for name, targets in graph.items()}).prepare()


@pytest.mark.parametrize("room", [*ROOMS, "tests"])
def test_no_folder_holds_more_modules_than_a_reader_can_take_in(room):
    folders = Counter(path.parent for path in (ROOT / room).rglob("*.py") if path.stem != "__init__")
    assert {str(folder.relative_to(ROOT)): n for folder, n in folders.items() if n > MOST_MODULES} == {}


def test_the_monitor_and_the_archive_load_no_model_runtime():
    code = "import sys, lambdas.monitor, lambdas.archive; print('onnxruntime' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


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


OF_A_CITY = re.compile(
    r"belo.horizonte|contagem|savassi|\bBRL\b|R\$|reais\b|-19\.\d|-20\.\d|-43\.\d|-44\.\d|America/|minas gerais",
    re.IGNORECASE,
)
# What is called after the project, and the currency of manifests from before markets travelled in them.
NO_CITY = re.compile(r"belo-horizonte-pricing|CURRENCY_BEFORE_MARKETS")


def test_nothing_in_the_code_names_the_city_its_currency_or_a_place_on_its_map():
    named = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for room in ROOMS
        if room not in ("benchmarks", "integration_tests")
        for path in sorted((ROOT / room).rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if OF_A_CITY.search(line) and not NO_CITY.search(line)
    ]
    assert named == []
