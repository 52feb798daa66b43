"""A million rows through `publish` (without the network) and `score`: rows a second, and the most memory.

    python -m benchmarks.speed.files [ROWS]

Each runs in a process of its own. Memory that does not grow with the file shows by the same peak for a tenth of it.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROWS = 1_000_000
_GENERATED = 100_000  # rows; a file of more repeats them


def main() -> None:
    """Measure, and print what came out as JSON."""
    if len(sys.argv) == 4:
        _measure(*sys.argv[1:])
        return
    from tests.champions import champion
    from training.data.sample import write_sample  # neither belongs to what is measured

    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder, "model")
        model.mkdir()
        (model / "model.onnx").write_bytes(champion("1").model)
        (model / "manifest.json").write_bytes(champion("1").manifest)
        sample = write_sample(Path(folder, "sample.csv"), _GENERATED).read_text().splitlines(keepends=True)
        for count in (rows // 10, rows):
            file = Path(folder, f"{count}.csv")
            with file.open("w") as out:
                out.write(sample[0])
                for first in range(0, count, _GENERATED):
                    out.writelines(sample[1 : 1 + min(_GENERATED, count - first)])
            for what in ("publish", "score"):
                command = [sys.executable, "-m", "benchmarks.speed.files", what, str(file), str(model)]
                print(subprocess.run(command, capture_output=True, text=True, check=True).stdout, end="")


def _measure(what: str, file: str, model: str) -> None:
    if what == "publish":
        from stream_producer.listing_events import ListingEvents

        began = time.process_time()
        rows = sum(1 for _ in ListingEvents(file, "ab" * 32))
    else:
        from belo.score.price_file import open_folder, score_file

        began = time.process_time()
        rows = score_file(Path(file), Path(file).with_suffix(".out.csv"), open_folder(Path(model)), lambda _: None).rows
    seconds = time.process_time() - began
    peak = next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
    print(json.dumps({"what": what, "rows": rows, "rows_a_second": round(rows / seconds), "peak_mb": peak // 1024}))


if __name__ == "__main__":
    main()
