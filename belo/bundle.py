"""The bundle: one zip with `pricing/`, `lambdas/` and their locked wheels, bytecode included.

The same inputs give the same bytes: the files are sorted, their times and modes fixed, and the bytecode is
compiled in one process with a fixed hash seed. A bundle's name ends with the hash of its inputs, so that one
that exists is never built again; the newest of a target stands beside it under a name without a hash. Beside each
stands what it is made of (`belo.sbom`).
"""

import argparse
import hashlib
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

# What the functions never read. `test_bundle.py` scores, and makes their clients, with what remains.
LEFT_OUT = (
    ".lock",
    "bin/*",
    "boto3/data/*",  # of resources; the functions have clients
    "boto3/examples/*",
    "botocore/data/*/examples-1.json",
    "dateutil/zoneinfo/*.tar.gz",  # botocore knows UTC and the local time
    "flatbuffers*/*",  # these four: for ONNX Runtime's tools only
    "google/*",
    "packaging*/*",
    "protobuf*/*",
    "numpy/_core/_*_tests.*",
    "numpy/_core/_simd.*",  # for numpy's own tests, too
    "numpy/_pyinstaller/*",
    "numpy/distutils/*",
    "numpy/f2py/*",
    "numpy/random/_examples/*",
    "numpy/typing/tests/*",
    "onnxruntime/backend/*",
    "onnxruntime/capi/libonnxruntime.so*",  # for programs in C; the Python extension carries its own copy
    "onnxruntime/datasets/*",
    "onnxruntime/quantization/*",
    "onnxruntime/tools/*",
    "onnxruntime/transformers/*",
    "urllib3/contrib/emscripten/*",  # for Python in a browser
    "*/tests/*",
    "*/__pycache__/*",  # compiled anew below
    "*.[ach]",  # these three: to build against numpy
    "*.pxd",
    "*.pyx",
    "*.pyi",
    "*.dist-info/INSTALLER",  # these four: of the installation, and they differ from one to the next
    "*.dist-info/RECORD",
    "*.dist-info/REQUESTED",
    "*.dist-info/*.json",
)


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
                shutil.copytree(ROOT / source, tree / source)
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
    command += ["--python", sys.executable, "--python-version", target.python]
    command += ["--python-platform", target.platform, "--only-binary", ":all:", "--no-deps"]
    command += ["--require-hashes", "-r", str(REQUIREMENTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"the bundle's wheels cannot be installed: {done.stderr.strip()}")


def _prune(tree: Path) -> None:
    for path in list(_files(tree)):
        name = path.relative_to(tree).as_posix()
        if _of_another_service(name) or any(fnmatch(name, pattern) for pattern in LEFT_OUT):
            path.unlink()


def _of_another_service(name: str) -> bool:
    match name.split("/"):
        case ["botocore", "data", service, _, *_]:  # what stands above the services' folders is of all of them
            return service not in AWS_SERVICES
    return False


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


def _check_size(tree: Path) -> None:
    size = sum(path.stat().st_size for path in _files(tree))
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
    options = parser.parse_args()
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
