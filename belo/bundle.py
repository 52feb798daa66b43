"""The bundle: one zip with `pricing/`, `lambdas/` and their locked wheels, bytecode included.

The same inputs give the same bytes: the files are sorted, their times and modes fixed, and the bytecode is
compiled in one process with a fixed hash seed. A bundle's name ends with the hash of its inputs, so that one
that exists is never built again; the newest of a target stands beside it under a name without a hash. Beside each
stands what it is made of (`belo.sbom`).
"""

import argparse
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from uv import find_uv_bin

from belo import sbom
from terminal.errors import Failure

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "bundle"
REQUIREMENTS = ROOT / "requirements" / "lambda.txt"
ROOMS = ("pricing", "lambdas")
LIMIT_BYTES = 250 * 2**20  # AWS: a function's code, unzipped
MARGIN_BYTES = 50 * 2**20  # for what later functions bring

KEPT = 3  # bundles of a target; an older one may still be in use
RUNNING_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"  # what the local clouds run, too
PLATFORM = "x86_64-manylinux_2_28"

AWS_SERVICES = ("events", "kinesis", "s3")  # that the functions call; botocore carries 400 more
_CHANGED = {"changed": "shortened by belo.bundle"}

# What the functions never read, by why they do not. `test_bundle_reads.py` has them go all their ways with the rest.
OF_OTHER_SERVICES = "botocore's data of services, and of versions, that no function calls"
PROSE = "botocore's prose, examples, and endpoints of other services; the rest is not compressed, to be read sooner"
LEFT_OUT = {
    "ONNX Runtime's tools for models, with what only they need": (
        "flatbuffers*/*",
        "google/*",
        "packaging*/*",
        "protobuf*/*",
        "onnxruntime/backend/*",
        "onnxruntime/datasets/*",
        "onnxruntime/quantization/*",
        "onnxruntime/tools/*",
        "onnxruntime/transformers/*",
    ),
    "ONNX Runtime for programs in C; its Python extension carries its own": ("onnxruntime/capi/libonnxruntime.so*",),
    "numpy's tests, and what only they read": (
        "*/tests/*",
        "numpy/_core/_*_tests.*",
        "numpy/_core/_simd.*",
        "numpy/_pyinstaller/*",
        "numpy/conftest.py",
        "numpy/testing/*",
    ),
    "numpy's Fourier transforms and polynomials, loaded where somebody names them": (
        "numpy/fft/*",
        "numpy/polynomial/*",
        "numpy/lib/recfunctions.py",
        "numpy/ma/mrecords.py",
        "numpy/matlib.py",
    ),
    "to build against numpy, and names of version 1": (
        "*.[ach]",
        "*.pxd",
        "*.pyx",
        "numpy/core/*",
        "numpy/ctypeslib/*",
        "numpy/distutils/*",
        "numpy/doc/*",
        "numpy/f2py/*",
        "numpy/random/_examples/*",
    ),
    "type stubs": ("*.pyi",),
    OF_OTHER_SERVICES: ("botocore/data/events/2014-*/*",),
    PROSE: ("botocore/data/*/examples-1.json",),
    "botocore for tests, and with AWS's runtime in C, which is not here": ("botocore/crt/auth.py", "botocore/stub.py"),
    "time zones and recurring dates of dateutil; botocore knows UTC and the local time": (
        "dateutil/rrule.py",
        "dateutil/zoneinfo/*.tar.gz",
    ),
    "urllib3 for Python in a browser": ("urllib3/contrib/emscripten/*",),
    "commands, and notes of the installation": (
        ".lock",
        "bin/*",
        "pybase64/__main__.py",
        "*.dist-info/INSTALLER",
        "*.dist-info/RECORD",
        "*.dist-info/REQUESTED",
        "*.dist-info/*.json",
    ),
}


@dataclass(frozen=True, slots=True)
class Target:
    """What the bundle runs on: a Python version like "3.12" and a platform as `uv` names it."""

    python: str = RUNNING_PYTHON
    platform: str = PLATFORM

    @property
    def name(self) -> str:
        """What a bundle's file is called, up to the hash."""
        return f"belo-{self.python}-{self.platform}"


def build(target: Target, folder: Path = FOLDER) -> Path:
    """Return the bundle of `target` in `folder`, built unless its inputs are those of one that is there.

    Raises Failure when the machine has no interpreter of that version (it compiles the bytecode), when
    the wheels cannot be installed, or when the bundle would not fit into a function.
    """
    interpreter, described = _interpreter(target.python)
    bundle = folder / f"{target.name}-{_inputs_hash(target, described)}.zip"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".building-") as scratch:
        room = Path(scratch)
        if not bundle.exists():
            tree = room / "tree"
            _install(target, tree)
            for source in ROOMS:
                shutil.copytree(ROOT / source, tree / source, ignore=shutil.ignore_patterns("__pycache__"))
            _prune(tree)
            _compile(interpreter, tree)
            _check_size(tree)
            _zip(tree, room / "bundle.zip")
            (room / "bundle.zip").replace(bundle)
            for old in sorted(folder.glob(f"{target.name}-*.zip"), key=lambda path: path.stat().st_mtime)[:-KEPT]:
                old.unlink(missing_ok=True)
                old.with_suffix(sbom.SUFFIX).unlink(missing_ok=True)
        (room / "sbom").write_text(sbom.of(bundle, REQUIREMENTS))
        (room / "sbom").replace(bundle.with_suffix(sbom.SUFFIX))
        for suffix in (".zip", sbom.SUFFIX):
            shutil.copyfile(bundle.with_suffix(suffix), room / "newest")
            (room / "newest").replace(folder / f"{target.name}{suffix}")
    return bundle


def left_out(target: Target) -> dict[str, int]:
    """Return how many bytes of the wheels the bundle does without, bytecode apart, by why nobody reads them."""
    with tempfile.TemporaryDirectory() as scratch:
        _install(target, Path(scratch))
        return _prune(Path(scratch))


def python_of(bundle: Path) -> str:
    """The version of Python that a bundle was built for, like "3.12", by its name."""
    return bundle.name.split("-")[1]


def unzipped_bytes(bundle: Path) -> int:
    """How much of the function's 250 MB the bundle takes."""
    with zipfile.ZipFile(bundle) as archive:
        return sum(entry.file_size for entry in archive.infolist())


def _interpreter(version: str) -> tuple[str, str]:
    """An interpreter of that version and all that it says of itself: a patch may change the bytecode."""
    root = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    candidates = [sys.executable, shutil.which(f"python{version}")]
    candidates += [f"{path}" for path in sorted(root.glob(f"versions/{version}.*/bin/python{version}"))]
    for candidate in filter(None, candidates):
        question = [candidate, "-I", "-c", "import sys; print(sys.version)"]
        answer = subprocess.run(question, capture_output=True, text=True, check=False)
        if answer.returncode == 0 and answer.stdout.startswith(f"{version}."):
            return candidate, answer.stdout
    raise Failure(f"no Python {version} on this machine; it is needed to compile the bundle's bytecode")


def _inputs_hash(target: Target, interpreter: str) -> str:
    digest = hashlib.sha256(f"{target} {interpreter}".encode())
    sources = [path for path in _files(ROOT, ROOMS) if path.suffix != ".pyc"]
    for path in [Path(__file__), REQUIREMENTS, *sources]:
        digest.update(f"{path.relative_to(ROOT)} {path.stat().st_size}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _files(folder: Path, rooms: tuple[str, ...] = (".",)) -> Iterator[Path]:
    for room in rooms:
        yield from sorted(path for path in (folder / room).rglob("*") if path.is_file())


def _install(target: Target, tree: Path) -> None:
    command = [find_uv_bin(), "pip", "install", "--quiet", "--no-config", "--target", str(tree)]
    command += ["--link-mode", "copy"]  # what is changed in the bundle must not change in uv's cache, and in .venv
    command += ["--python", sys.executable, "--python-version", target.python]
    command += ["--python-platform", target.platform, "--only-binary", ":all:", "--no-deps"]
    command += ["--require-hashes", "-r", str(REQUIREMENTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"the bundle's wheels cannot be installed: {done.stderr.strip()}")


def _prune(tree: Path) -> dict[str, int]:
    """Leave out what is never read; return the bytes of it, by why it is not."""
    spared = dict.fromkeys(LEFT_OUT, 0)
    for path in list(_files(tree)):
        name = path.relative_to(tree).as_posix()
        if (reason := _why_left_out(name)) is not None:
            spared[reason] += path.stat().st_size
            path.unlink()
    before = _size(tree)
    _lighten(tree / "botocore" / "data")
    spared[PROSE] += before - _size(tree)
    return spared


def _why_left_out(name: str) -> str | None:
    match name.split("/"):
        case ["botocore", "data", service, _, *_] if service not in AWS_SERVICES:
            return OF_OTHER_SERVICES
    return next((why for why, patterns in LEFT_OUT.items() if any(fnmatch(name, each) for each in patterns)), None)


def _lighten(data: Path) -> None:
    """Leave botocore's data what the functions need of it, written as it is read soonest: tight, and not compressed.

    Models lose their prose, the list of endpoints the services that nobody calls. Both say so, as the licence asks.
    """
    for path in data.rglob("*.json.gz"):
        content = json.loads(gzip.decompress(path.read_bytes()))
        is_model = path.name == "service-2.json.gz"
        _write(path.with_suffix(""), _CHANGED | _without_prose(content) if is_model else content)
        path.unlink()
    endpoints = data / "endpoints.json"
    _write(endpoints, _CHANGED | _of_services_called(json.loads(endpoints.read_bytes())))


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def _without_prose(part: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(part, dict):
        prose = isinstance(part.get("documentation"), str)  # else it is something that is called so
        return {name: _without_prose(each) for name, each in part.items()} | ({"documentation": ""} if prose else {})
    return [_without_prose(each) for each in part] if isinstance(part, list) else part


def _of_services_called(endpoints: dict[str, Any]) -> dict[str, Any]:
    for partition in endpoints["partitions"]:
        services = partition["services"]
        partition["services"] = {name: each for name, each in services.items() if name in AWS_SERVICES}
    return endpoints


def _compile(interpreter: str, tree: Path) -> None:
    # Unchecked: the times of the sources change when AWS unzips them, and must not cost a new compilation.
    # Tracebacks name the place where Lambda puts the code.
    command = [interpreter, "-sP", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    command += ["-s", str(tree), "-p", "/var/task", str(tree)]
    # A fixed seed: the order of a frozenset among the constants depends on it.
    environment = {"PYTHONHASHSEED": "0", "PATH": os.environ.get("PATH", "")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"the bundle does not compile: {done.stdout.strip()} {done.stderr.strip()}")


def _size(tree: Path) -> int:
    return sum(path.stat().st_size for path in _files(tree))


def _check_size(tree: Path) -> None:
    size = _size(tree)
    if size > LIMIT_BYTES - MARGIN_BYTES:
        allowed = (LIMIT_BYTES - MARGIN_BYTES) // 2**20
        raise Failure(f"the bundle is {size / 2**20:.0f} MB unzipped, and no more than {allowed} MB is allowed")


def _zip(tree: Path, bundle: Path) -> None:
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in _files(tree):
            entry = zipfile.ZipInfo(path.relative_to(tree).as_posix(), date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, whatever builds it
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, path.read_bytes())


def main() -> None:
    """Build a bundle: its path on standard output, what it is on standard error."""
    parser = argparse.ArgumentParser(prog="python -m belo.bundle", description="Build the functions' bundle.")
    parser.add_argument("--python", default=RUNNING_PYTHON, help="version that it runs on (%(default)s)")
    parser.add_argument("--platform", default=PLATFORM, help="platform, as uv names it (%(default)s)")
    parser.add_argument("-o", "--output", type=Path, default=FOLDER, help="folder (build/bundle)")
    parser.add_argument("--left-out", action="store_true", help="print the table of docs/bundle.md instead")
    options = parser.parse_args()
    if options.left_out:
        sizes = left_out(Target(options.python, options.platform))
        print(*(f"| {why} | {size / 2**20:.1f} |" for why, size in sizes.items()), sep="\n")
        return
    try:
        bundle = build(Target(options.python, options.platform), options.output)
    except Failure as failure:
        sys.exit(f"bundle: {failure}")
    megabytes = f"{bundle.stat().st_size / 2**20:.0f} MB, {unzipped_bytes(bundle) / 2**20:.0f} MB unzipped"
    digest = hashlib.sha256(bundle.read_bytes()).hexdigest()
    print(f"{megabytes} of {LIMIT_BYTES // 2**20}, sha256 {digest}", file=sys.stderr)
    print(bundle)


if __name__ == "__main__":
    main()
