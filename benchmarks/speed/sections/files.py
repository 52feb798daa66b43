"""`belo score` on a Parquet file of a million rows: rows a second, the most memory, and its cost over the floor's."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import pandas as pd

from belo.score.price_file import score_file
from benchmarks.speed.measuring import batch, champion_files, listing_payloads, listings_file, ratio, side_by_side
from benchmarks.speed.memory import peak_megabytes
from benchmarks.speed.section import Section
from benchmarks.speed.sections.scoring import floor_of
from pricing.model import load

ROWS = (100_000, 1_000_000)
COMPARED = 24_000  # rows, beside so many records of the floor
ROUNDS = 5


def measure() -> Section:
    """Return what scoring a file costs a row, and what it takes of memory at a million."""
    model = load(*champion_files())
    with tempfile.TemporaryDirectory() as folder:
        files = {count: _parquet(Path(folder, f"{count}.parquet"), count) for count in (COMPARED, *ROWS)}
        floor, times = floor_of(model, batch(listing_payloads(6_000))), COMPARED // 6_000
        works = {
            "ours": lambda: score_file(files[COMPARED], Path(folder, "out.parquet"), model, lambda _: None),
            "floor": lambda: [floor() for _ in range(times)],
        }
        took = side_by_side(works, ROUNDS)
        rows = [_alone(files[count]) for count in ROWS]
    cost = {name: round(median(each) / COMPARED * 1e6, 1) for name, each in took.items()}
    return Section(
        "Files",
        {"score_file_vs_floor": ratio(took["ours"], took["floor"])},
        {"a row, from Parquet to Parquet, and a record of the floor, µs": [cost], "a whole file": rows},
        ("Reading, every check, pricing, warnings and writing, in a process of its own, its start included.",),
    )


def _parquet(path: Path, rows: int) -> Path:
    """Write the listings as Parquet, again and again until there are so many rows."""
    listings = pd.read_csv(listings_file(), dtype=str)
    repeated = pd.concat([listings] * -(-rows // len(listings))).head(rows)
    repeated.assign(listing_id=[f"L-{number}" for number in range(rows)]).to_parquet(path)
    return path


def _alone(file: Path) -> dict[str, int | float]:
    command = [sys.executable, "-m", "benchmarks.speed.sections.files", str(file)]
    found: dict[str, int | float] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return found


def _score(file: Path) -> None:
    began = time.monotonic()
    count = score_file(file, file.with_suffix(".out.parquet"), load(*champion_files()), lambda _: None).rows
    seconds = time.monotonic() - began
    print(json.dumps({"rows": count, "rows a second": round(count / seconds), "peak, MB": peak_megabytes()}))


if __name__ == "__main__":
    _score(Path(sys.argv[1]))
