"""How long `belo train` takes on all cores and on one, stage by stage, each in a process of its own."""

import os
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import msgspec

from benchmarks.speed.measuring import listings_file
from benchmarks.speed.section import Cell, Section

TRIALS = 14  # of the search's 30: ten are drawn blindly, as ten of the 30 are
STAGES = {  # by what is told at its end
    "candidates": "imports, reading, encoding, comparison",
    "search": "search",
    "fit": "keeping of the trials",
    "register": "fit, export, registration",
}


class Mark(msgspec.Struct):
    """A moment of a training: what is done, when, and CPU seconds until then, those of helpers too."""

    done: str
    at: float
    cpu: float


def measure() -> Section:
    """Return seconds of a training on all cores over those on one, and its stages."""
    processors = sorted(os.sched_getaffinity(0))
    found = {count: _trained(processors[:count]) for count in (len(processors), 1)}
    seconds = [marks[-1].at - marks[0].at for marks in found.values()]
    rows = [row for count, marks in found.items() for row in _rows(count, marks)]
    notes = (
        f"{TRIALS} trials instead of 30; Python's start and a new SQLite store are in it. Ten trials are drawn blindly "
        "and share the cores; each of the others knows those before it, and only its folds share them.",
        "Idle is what the cores had to give beside those CPU seconds, to other processes, too.",
    )
    ratio = round(seconds[0] / seconds[1], 3)
    return Section("Training", {"training_vs_one_core": ratio}, {"a training by stage": rows}, notes)


def _rows(cores: int, marks: list[Mark]) -> list[dict[str, Cell]]:
    last = {mark.done: mark for mark in marks}  # of each stage
    return [
        {
            "cores": cores,
            "stage": STAGES[end.done],
            "seconds": round(end.at - begin.at, 2),
            "CPU seconds": round(end.cpu - begin.cpu, 2),
            "idle": round(1 - (end.cpu - begin.cpu) / (end.at - begin.at) / cores, 2),
        }
        for begin, end in pairwise(last.values())
    ]


def _trained(processors: list[int]) -> list[Mark]:
    """Return the marks of a training on these processors."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = [str(listings_file().resolve()), folder, *map(str, processors)]
        began = Mark("", time.time(), 0.0)
        command = [sys.executable, "-m", "benchmarks.speed.sections.training_time", *arguments]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return [began, *msgspec.json.decode(done.stdout, type=list[Mark])]


def _train(listings: Path, folder: Path, processors: set[int]) -> list[Mark]:
    """Train as `belo train` does, in a store of its own; return a mark for each step that is told."""
    os.sched_setaffinity(0, processors)
    from training.model.cores import cores_of_machine

    marks = []
    with cores_of_machine(spare=1) as cores:
        from training.data.load import load_data
        from training.params import choose_params
        from training.registry.mlflow_registry import Registry
        from training.train import train

        params = choose_params()
        params = msgspec.structs.replace(params, search=msgspec.structs.replace(params.search, trials=TRIALS))
        data = load_data(listings)
        registry = Registry.open({"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"})
        os.chdir(folder)  # where MLflow puts files
        train(data, params, registry, lambda done, _: marks.append(Mark(done, time.time(), _cpu_seconds())), cores)
    return marks


def _cpu_seconds() -> float:
    """Return the CPU seconds of this process and of those that it has started."""
    children = [each for task in Path("/proc/self/task").iterdir() for each in (task / "children").read_text().split()]
    ticks = 0
    for process in ("self", *children):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])  # user and system
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    file, scratch, *allowed = sys.argv[1:]
    sys.stdout.buffer.write(msgspec.json.encode(_train(Path(file), Path(scratch), set(map(int, allowed)))))
