"""Planted defects: each fault of the loop put back into a copy, where a market or a test must notice it."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.defects import Defect, Outcome

ROOT = Path(__file__).parents[2]
COPIED = ("pricing", "terminal", "lambdas", "listing_files", "monitoring", "training", "belo", "tests")
FILES = ("pyproject.toml",)
TIME_LIMIT = 300.0  # seconds


@dataclass(frozen=True, slots=True)
class Planted:
    """A defect, and what must fail with it: a market of `tests.loop`, or a test."""

    defect: Defect
    market: str | None = None
    test: str | None = None


def by_market(market: str, name: str, file: str, old: str, new: str) -> Planted:
    """Return a defect that a market shows."""
    return Planted(Defect(name, file, old, new), market=market)


def by_test(test: str, name: str, file: str, old: str, new: str) -> Planted:
    """Return a defect that a test shows."""
    return Planted(Defect(name, file, old, new), test=test)


DEFECTS: list[Planted] = []


def catch_all(planted: Sequence[Planted]) -> Iterator[Outcome]:
    """Plant one defect after the other, two at a time; yield whether it was noticed."""
    with ThreadPoolExecutor(2) as pool:
        yield from pool.map(catch, planted)


def catch(planted: Planted) -> Outcome:
    """Plant a defect in a copy, and see whether what must fail there fails."""
    defect = planted.defect
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in COPIED:
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in FILES:
            shutil.copy(ROOT / name, copy / name)
        source = (copy / defect.file).read_text()
        if source.count(defect.old) != 1:
            return Outcome(defect, caught=False, evidence=f"stands {source.count(defect.old)} times in the code")
        (copy / defect.file).write_text(source.replace(defect.old, defect.new))
        options = (
            ["-m", "tests.loop", "--market", planted.market, "--seeds", "2", "--no-defects", "--out", "loop.json"]
            if planted.market
            else ["-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", str(planted.test)]
        )
        environment = {**os.environ, "PYTHONPATH": str(copy)}
        done = subprocess.run(
            [sys.executable, *options],
            cwd=copy,
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT,
            check=False,
        )
        broke = [line.strip() for line in done.stdout.splitlines() if "BROKEN" in line or line.startswith("FAILED")]
        return Outcome(defect, bool(done.returncode and broke), broke[0][:150] if broke else done.stderr[-200:])
