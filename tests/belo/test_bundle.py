import ast
import json
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from belo import bundle
from terminal.errors import Failure
from tests.champions import champion

ROOT = Path(__file__).parents[2]
LIBRARIES = ("botocore", "dateutil", "jmespath", "msgspec", "numpy", "onnxruntime", "pybase64", "six", "urllib3")
# Amazon Linux 2023, which Lambda's Python 3.12 stands on, has glibc 2.34 and the C++ library of GCC 11.
CEILINGS = {"GLIBC": (2, 34), "GLIBCXX": (3, 4, 29), "CXXABI": (1, 3, 13)}

# Only the standard library and the bundle, as on a path before the runtime's.
ISOLATED = "import sys; sys.path.insert(0, sys.argv.pop(1))"
SCORE = f"""{ISOLATED}
import json
from pathlib import Path
import lambdas.score, {", ".join(LIBRARIES)}
from pricing import model
from pricing.listing import Features
loaded = model.load(Path(sys.argv[1]).read_bytes(), Path(sys.argv[2]).read_bytes())
prices = loaded.predict([Features(neighborhood="Buritis", area_m2=100.0)])
mine = [sys.modules[name] for name in ("lambdas", "pricing", *{LIBRARIES})]
print(json.dumps([float(prices.price[0]), [each.__file__ for each in mine], [each.__cached__ for each in mine]]))
"""
CLIENTS = f"""{ISOLATED}
import json, botocore
import lambdas.archive, lambdas.monitor, lambdas.price_api, lambdas.score
from botocore.config import Config
from lambdas.aws.session import client
clients = [client(name, Config(region_name="sa-east-1")) for name in sys.argv[1:]]
clients[-1].get_paginator("list_objects_v2")
takes = lambda name: list(clients[-1].meta.service_model.operation_model(name).input_shape.members)
urls = [each.meta.endpoint_url for each in clients]
print(json.dumps([botocore.__version__, urls, takes("PutObject"), takes("DeleteObject")]))
"""


@pytest.fixture(scope="module")
def built() -> Path:
    return bundle.build(bundle.Target())


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


def isolated(code: str, unzipped: Path, *arguments: object) -> list:
    """Return what code prints in an interpreter that sees nothing but the bundle and the standard library."""
    command = [sys.executable, "-I", "-S", "-c", code, unzipped, *arguments]
    done = subprocess.run([str(each) for each in command], env={}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")  # ONNX Runtime warns of parts that it misses
    return json.loads(done.stdout)


def services_called() -> set[str]:
    """Return the services of which the functions make clients, by their sources."""
    calls = [node for path in (ROOT / "lambdas").rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))]
    made = [node for node in calls if isinstance(node, ast.Call) and ast.unparse(node.func) == "client"]
    return {ast.literal_eval(node.args[0]) for node in made}


def versions_needed(library: bytes) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the versions of symbols that a shared library wants of others, by family: GLIBC, (2, 17).

    They are in its section of type SHT_GNU_verneed, a list of lists of names (64-bit little-endian ELF).
    """
    offset, size, number = *struct.unpack_from("<Q", library, 40), *struct.unpack_from("<HH", library, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", library, offset + size * each) for each in range(number)]
    for _, kind, _, _, begin, _, names, count, _, _ in sections:
        entry = begin
        for _ in range(count if kind == 0x6FFFFFFE else 0):
            _, wanted, _, first, following = struct.unpack_from("<HHIII", library, entry)
            version = entry + first
            for _ in range(wanted):
                _, _, _, name, after = struct.unpack_from("<IHHII", library, version)
                text = library[(at := sections[names][4] + name) : at + 64].partition(b"\0")[0].decode()
                family, _, digits = text.rpartition("_")
                if re.fullmatch(r"[\d.]+", digits):  # not GLIBC_PRIVATE, and the like
                    yield family, tuple(int(each) for each in digits.split("."))
                version += after
            entry += following


def too_new(library: bytes) -> list[tuple[str, tuple[int, ...]]]:
    return [each for each in versions_needed(library) if each[1] > CEILINGS.get(*each)]


@pytest.mark.slow
def test_the_same_inputs_give_the_same_bytes(built, tmp_path):
    other = bundle.build(bundle.Target(), tmp_path)  # at another time, in another place
    assert other.name == built.name
    assert other.read_bytes() == built.read_bytes()


def test_what_was_built_is_not_built_again(built, tmp_path):
    kept = shutil.copyfile(built, tmp_path / built.name)
    before = kept.stat()
    assert bundle.build(bundle.Target(), tmp_path) == kept
    assert (kept.stat().st_ino, kept.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_the_newest_stands_beside_it_under_a_name_that_does_not_change(built):
    newest = built.parent / f"{bundle.Target().name}.zip"
    assert newest.read_bytes() == built.read_bytes()


def test_its_name_says_what_it_runs_on(built):
    assert bundle.python_of(built) == bundle.RUNNING_PYTHON


def test_it_scores_in_an_interpreter_that_sees_nothing_but_it(unzipped, tmp_path):
    tiny = champion()
    (tmp_path / "model.onnx").write_bytes(tiny.model)
    (tmp_path / "manifest.json").write_bytes(tiny.manifest)
    price, files, _ = isolated(SCORE, unzipped, tmp_path / "model.onnx", tmp_path / "manifest.json")
    assert price > 0
    assert [file for file in files if not file.startswith(str(unzipped))] == []


def test_its_botocore_is_the_locked_one_and_writes_on_condition(unzipped):
    version, urls, put, delete = isolated(CLIENTS, unzipped, *sorted(services_called()))
    for lock in (bundle.REQUIREMENTS, ROOT / "requirements/dev.txt"):
        assert f"botocore=={version} \\" in lock.read_text().splitlines()
    assert {"IfMatch", "IfNoneMatch"} <= set(put)
    assert "IfMatch" in delete
    assert urls == [f"https://{name}.sa-east-1.amazonaws.com" for name in sorted(services_called())]


def test_clients_come_from_nowhere_else():
    made = [
        path.name for path in (ROOT / "lambdas").rglob("*.py") if re.search(r"create_client|boto3\.", path.read_text())
    ]
    assert made == ["session.py"]


def test_what_is_left_out_stands_in_the_documentation_with_its_size():
    rows = re.findall(r"^\| ([^|]+) \| \d+\.\d \|$", (ROOT / "docs/bundle.md").read_text(), re.MULTILINE)
    assert rows == list(bundle.LEFT_OUT)


def test_of_botocores_data_it_has_the_services_that_the_functions_call_and_no_other(names):
    data = [name.split("/")[2:] for name in names if name.startswith("botocore/data/")]
    assert {path[0] for path in data if len(path) > 1} == set(bundle.AWS_SERVICES) == services_called()
    common = {path[0] for path in data if len(path) == 1}
    assert common == {"_retry.json", "endpoints.json", "partitions.json", "sdk-default-configuration.json"}
    assert "botocore/cacert.pem" in names


@pytest.mark.parametrize("python", sorted({bundle.RUNNING_PYTHON, "3.12"}))  # AWS runs 3.12
def test_amazon_linux_2023_has_every_symbol_that_its_libraries_need(python):
    try:
        archive = zipfile.ZipFile(bundle.build(bundle.Target(python)))
    except Failure as failure:
        pytest.skip(str(failure))
    libraries = {name: archive.read(name) for name in archive.namelist() if re.search(r"\.so(\.|$)", name)}
    needed = {family for library in libraries.values() for family, _ in versions_needed(library)}
    assert CEILINGS.keys() <= needed  # it has been looked for
    assert {name: too_new(library) for name, library in libraries.items() if too_new(library)} == {}


@pytest.mark.parametrize(
    ("there", "planted", "found"),
    [
        (b"GLIBC_2.17", b"GLIBC_2.35", ("GLIBC", (2, 35))),
        (b"GLIBCXX_3.4.21", b"GLIBCXX_3.4.30", ("GLIBCXX", (3, 4, 30))),
    ],
)
def test_a_library_that_needs_a_newer_symbol_is_noticed(unzipped, there, planted, found):
    (path,) = unzipped.glob("onnxruntime/capi/onnxruntime_pybind11_state.*.so")
    library = path.read_bytes()
    assert too_new(library) == []
    assert found in too_new(library.replace(there + b"\0", planted + b"\0"))


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
    found = {top.removesuffix(".py") for top in tops if not top.endswith(".dist-info")}
    assert found == {"lambdas", "pricing", "numpy.libs", "__pycache__", *LIBRARIES}  # of six.py
    assert not [name for name in names if "/tests/" in name]


def test_licences_of_what_is_carried_are_carried_too(names):
    for library in LIBRARIES:
        assert [name for name in names if library in name.partition("/")[0] and "LICENSE" in name.upper()], library


def test_it_fits_into_a_function_with_a_margin(built):
    assert bundle.unzipped_bytes(built) < bundle.LIMIT_BYTES - bundle.MARGIN_BYTES


def test_a_python_that_the_machine_does_not_have_is_one_clear_line(tmp_path):
    with pytest.raises(Failure, match=r"^no Python 3\.99 on this machine"):
        bundle.build(bundle.Target(python="3.99"), tmp_path)
