"""`make bench-guard`: measure again, and fail where a ratio is worse than the committed one beyond a margin.

python -m benchmarks.speed.guard MARGIN [SECTION ...]
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.speed import __main__ as bench
from benchmarks.speed.report import COMMITTED
from benchmarks.speed.section import RATIOS

OUT = Path("build/bench-guard.json")

Ratios = Mapping[str, float | None]


def worse(committed: Ratios, found: Ratios, margin: float) -> list[str]:
    """Return what is worse than the committed ratio by more than a share of it, by the direction of each."""
    complaints = []
    for name, now in found.items():
        before = committed.get(name)
        if before is None or now is None:
            continue
        loss = before / now if RATIOS[name].better == "more" else now / before
        if loss > 1 + margin:
            complaints.append(f"{name}: {now:g}, committed {before:g}: {loss - 1:.0%} worse")
    return complaints


def main(margin: float, sections: list[str]) -> int:
    """Return how many ratios are worse; a section that cannot be measured counts as one."""
    bench.measure(sections or list(bench.SECTIONS), OUT)
    found = json.loads(OUT.read_text())
    complaints = worse(json.loads(COMMITTED.read_text())["ratios"], found["ratios"], margin)
    complaints += [f"{name}: not measured: {why}" for name, why in found["errors"].items()]
    print("\n".join(complaints) or f"no ratio is more than {margin:.0%} worse than the committed one")
    return len(complaints)


if __name__ == "__main__":
    sys.exit(bool(main(float(sys.argv[1]), sys.argv[2:])))
