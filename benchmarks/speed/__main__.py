"""`make bench`: every section in a process of its own; writes build/bench.json, always.

    python -m benchmarks.speed [SECTION ...]

What a section cannot measure is null there, and its reason stands under "errors".
"""

import importlib
import json
import platform
import subprocess
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

import msgspec

from benchmarks.speed import measuring
from benchmarks.speed.report import FOUND, summary
from benchmarks.speed.section import RATIOS, Section

SECTIONS = ("scoring", "put", "cold_start", "streams", "files", "drain", "training_time", "candidates")


def measure(names: Sequence[str], out: Path) -> None:
    """Measure sections, each in a process of its own, and write the figures."""
    found: dict[str, Section] = {}
    errors: dict[str, str] = {}
    for name in names:
        print(f"bench: {name} ...", file=sys.stderr, flush=True)
        try:
            measuring.champion_folder()
            found[name] = _measured(name)
        except Exception as error:  # noqa: BLE001 - whatever it was, programs find the file
            errors[name] = f"{type(error).__name__}: {error}"
    write(found, errors, out)


def _measured(name: str) -> Section:
    command = [sys.executable, "-m", "benchmarks.speed", "--alone", name]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.decode(errors="replace").strip()[-2000:])
    return msgspec.json.decode(done.stdout, type=Section)


def _alone(name: str) -> None:
    with redirect_stdout(sys.stderr):  # the functions tell their metrics
        section: Section = importlib.import_module(f"benchmarks.speed.sections.{name}").measure()
    sys.stdout.buffer.write(msgspec.json.encode(section))


def write(found: dict[str, Section], errors: dict[str, str], out: Path) -> None:
    """Write what was found; every promised ratio is there, null where it was not measured."""
    ratios: dict[str, float | None] = dict.fromkeys(RATIOS)
    for section in found.values():
        ratios |= section.ratios
    document = {
        "machine": machine(),
        "ratios": ratios,
        "rows": [
            {"section": name, "table": title, **row}
            for name, section in found.items()
            for title, rows in section.tables.items()
            for row in rows
        ],
        "sections": {name: {"title": each.title, "notes": each.notes} for name, each in found.items()},
        "errors": errors,
    }
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def machine() -> str:
    """Return the machine in words: its processor, its cores, its Python."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    cores = f"{len(models)} cores" if models else "unknown cores"
    return f"{platform.machine()}, {models[0] if models else 'unknown'}, {cores}, Python {platform.python_version()}"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--alone"]:
        _alone(sys.argv[2])
    else:
        measure(sys.argv[1:] or SECTIONS, FOUND)
        print(summary(json.loads(FOUND.read_text())))
