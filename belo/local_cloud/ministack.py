"""MiniStack, the embedded local cloud: a process of its own, in an environment of its own.

Functions run on MiniStack's interpreter. Its environment holds nothing but MiniStack and boto3, so that a
wheel missing from the bundle is missing there, too, as on AWS.
"""

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from uv import find_uv_bin

from terminal.errors import Failure

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements" / "ministack.txt"
CACHE = ROOT / ".cache"
FOLDER = ROOT / "build" / "local-cloud"
MARKER = "BELO_LOCAL_CLOUD"  # in the environment of every process of an instance, its functions included
READY_SECONDS = 30.0
ATTEMPTS = 3

SERVE = Path(__file__).with_name("serve.py")


@dataclass(frozen=True, slots=True)
class Instance:
    """A running MiniStack; its folder names its processes and holds its state and its log.

    One that is not detached ends when `process`, which holds the pipe to it, is forgotten.
    """

    folder: Path
    endpoint: str
    process: subprocess.Popen[bytes]


@contextmanager
def running(*, enforce_iam: bool = False) -> Iterator[Instance]:
    """Run a MiniStack for as long as the context lasts, or this process lives; nothing of it remains."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=FOLDER, prefix="run-"))
    try:
        instance = start(folder, environment(), enforce_iam=enforce_iam)
        with instance.process:
            try:
                yield instance
            finally:
                _kill(folder)
    finally:
        stop(folder)


def start(folder: Path, python: Path, *, detached: bool = False, enforce_iam: bool = False) -> Instance:
    """Start a MiniStack on a free port, with `folder` as its own; a detached one outlives this process.

    `python` is the interpreter that it and its functions run on. Raises Failure with the end of its log
    when it does not come up.
    """
    for _ in range(ATTEMPTS):
        port = _free_port()
        log = folder / "ministack.log"
        process = _spawn(python, folder, port, log, detached=detached, enforce_iam=enforce_iam)
        if _comes_up(process, port, log):
            return Instance(folder, f"http://127.0.0.1:{port}", process)
        _kill(folder)
        process.wait()
        output = log.read_text(errors="replace")
        if "in use" not in output:
            break
    raise Failure(f"MiniStack did not start: {output[-2000:].strip() or 'it said nothing'}")


def stop(folder: Path) -> None:
    """End every process of the instance and remove its folder; does nothing where there is none."""
    _kill(folder)
    shutil.rmtree(folder, ignore_errors=True)


def healthy(endpoint: str) -> bool:
    """Whether a MiniStack answers there."""
    try:
        with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=2) as reply:  # noqa: S310 - http
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def environment() -> Path:
    """Return the interpreter of MiniStack's own environment, which is made the first time."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    lock = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    home = CACHE / f"ministack-{version}-{lock}"
    if not home.exists():
        CACHE.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix=".making-") as scratch:
            made = Path(scratch) / "venv"
            _uv("venv", "--relocatable", "--python", sys.executable, str(made))
            _uv("pip", "install", "--python", str(made), "--require-hashes", "-r", str(LOCK))
            try:
                made.rename(home)
            except OSError:
                if not home.exists():  # else another process was faster
                    raise
    return home / "bin" / "python"


def _uv(*arguments: str) -> None:
    command = [find_uv_bin(), *arguments, "--quiet", "--no-config"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"MiniStack cannot be installed: {done.stderr.strip()}")


def _spawn(
    python: Path, folder: Path, port: int, log: Path, *, detached: bool, enforce_iam: bool
) -> subprocess.Popen[bytes]:
    private = folder / "tmp"  # functions' code, which MiniStack leaves behind
    private.mkdir(exist_ok=True)
    # Nothing of the caller's environment reaches MiniStack, and through it the functions.
    variables = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(private),
        "TMPDIR": str(private),
        MARKER: str(folder),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "AUTH": str(enforce_iam).lower(),
    }
    with log.open("wb") as output:
        return subprocess.Popen(
            [python, "-P", SERVE, *(["detached"] if detached else [])],  # -P: this folder has a module ministack, too
            stdin=subprocess.DEVNULL if detached else subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=variables,
            cwd=private,
            start_new_session=True,
        )


def _comes_up(process: subprocess.Popen[bytes], port: int, log: Path) -> bool:
    deadline = time.monotonic() + READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        # Its own words first: should the port be lost to another MiniStack, that one would answer.
        if f"Running on http://127.0.0.1:{port}" in log.read_text(errors="replace") and healthy(
            f"http://127.0.0.1:{port}"
        ):
            return True
        time.sleep(0.05)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def processes(folder: Path) -> list[int]:
    """Return the ids of the instance's processes; the marker tells them from all others."""
    marker = f"{MARKER}={folder}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if marker in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
        except OSError:  # it has ended, or is somebody else's
            continue
    return found


def _kill(folder: Path) -> None:
    deadline = time.monotonic() + 5
    while (left := processes(folder)) and time.monotonic() < deadline:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.02)
