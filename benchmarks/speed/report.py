"""The figures as people read them: a summary for the terminal, docs/performance.md for the repository."""

from benchmarks.speed.section import RATIOS


def summary(document: dict) -> str:
    """Return the promised ratios, one a line, with their targets, and what could not be measured."""
    lines = []
    for name, promised in RATIOS.items():
        found = document["ratios"].get(name)
        bound = "≥" if promised.better == "more" else "≤"
        lines.append(f"{name:32} {'-' if found is None else f'{found:g}':>8}  {bound} {promised.target:g}")
    lines += [f"not measured: {name}: {why}" for name, why in document["errors"].items()]
    return "\n".join(lines)
