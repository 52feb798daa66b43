"""`belo score` on a Parquet file of a million rows: rows a second, the most memory, and its cost over the floor's."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from belo.score.price_file import open_folder, score_file
from benchmarks.speed.memory import peak_megabytes

if TYPE_CHECKING:
    from benchmarks.speed.section import Section

ROWS = (100_000, 1_000_000)
COMPARED = 96_000  # rows, beside so many records of the floor
ROUNDS = 5


def measure() -> "Section":
    """Return what scoring a file costs a row, and what it takes of memory at a million."""
    from benchmarks.speed.measuring import batch, champion_files, listing_payloads, ratio, side_by_side
    from benchmarks.speed.section import Section
    from benchmarks.speed.sections.scoring import floor_of

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in zip(("model.onnx", "manifest.json"), champion_files(), strict=True):
            (folder / file).write_bytes(content)
        files = {count: _parquet(folder / f"{count}.parquet", count) for count in (COMPARED, *ROWS)}
        model = open_folder(folder)
        floor, times = floor_of(model, batch(listing_payloads(6_000))), COMPARED // 6_000
        works = {
            "ours": lambda: score_file(files[COMPARED], folder / "out.parquet", model, lambda _: None),
            "floor": lambda: [floor() for _ in range(times)],
        }
        took = side_by_side(works, ROUNDS)
        rows = [_alone(files[count]) for count in ROWS]
    cost = {name: round(median(each) / COMPARED * 1e6, 1) for name, each in took.items()}
    return Section(
        "Files",
        {"score_file_vs_floor": ratio(took["ours"], took["floor"])},
        {"a row, from Parquet to Parquet, and a record of the floor, µs": [cost], "a whole file": rows},
        ("Reading, every check, pricing, warnings and writing; a whole file in a process of its own.",),
    )


def _parquet(path: Path, rows: int) -> Path:
    """Write the listings as Parquet, again and again until there are so many rows."""
    import pandas as pd

    from benchmarks.speed.measuring import listings_file

    listings = pd.read_csv(listings_file(), dtype=str)
    repeated = pd.concat([listings] * -(-rows // len(listings))).head(rows)
    repeated.assign(listing_id=[f"L-{number}" for number in range(rows)]).to_parquet(path)
    return path


def _alone(file: Path) -> dict[str, int | float]:
    command = [sys.executable, "-m", "benchmarks.speed.sections.files", str(file)]
    found: dict[str, int | float] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return found


def _score(file: Path) -> None:
    """Score a file with the model that lies beside it."""
    began = time.monotonic()
    count = score_file(file, file.with_suffix(".out.parquet"), open_folder(file.parent), lambda _: None).rows
    seconds = time.monotonic() - began
    print(json.dumps({"rows": count, "rows a second": round(count / seconds), "peak, MB": peak_megabytes()}))


if __name__ == "__main__":
    _score(Path(sys.argv[1]))
