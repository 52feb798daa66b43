"""Prove that `POST /price` is what docs/openapi.json says (`make prove-api`).

A champion is trained on the generated sample. The worked example must be what it answers; schemathesis asks by the
description; damaged requests go straight through the handler; planted defects must be caught. The last line on stdout
is JSON; exit code 1: a finding, or a defect that went unnoticed.
"""

import argparse
import json
import math
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from belo.openapi import examples_of
from belo.sample_service import explained, sample, service, trained
from tests.price_api import bodies, described
from tests.price_api.books import PAGE, SEED, keep_objects
from tests.price_api.defects import DEFECTS, catch_all

NEAR = 1e-3  # of a number: machines round differently

say = Console(stderr=True, highlight=False)


def main() -> None:
    """Run as the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m tests.price_api", description=__doc__)
    parser.add_argument("--cases", type=int, default=2_000, help="that schemathesis makes (default: %(default)s)")
    parser.add_argument("--bodies", type=int, default=100_000, help="damaged ones (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, help="the same seed makes the same requests")
    parser.add_argument("--no-defects", action="store_true", help="plant none")
    asked = parser.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        objects = Path(folder, "objects")
        say.print("A champion is trained on the generated sample ...")
        keep_objects(objects, trained(sample()))
        figures, findings = _ask(objects, asked.cases, asked.bodies, asked.seed)
        caught = track(catch_all(DEFECTS, objects), "Planted defects", len(DEFECTS), console=say)
        outcomes = [] if asked.no_defects else list(caught)
    for each in outcomes:
        say.print(
            f"  {'caught' if each.caught else 'MISSED'}: {each.defect.name} ({each.evidence})",
            markup=False,
            soft_wrap=True,
        )
    for each in findings:
        say.print(f"FINDING: {each}", markup=False, soft_wrap=True)
    missed = [each.defect.name for each in outcomes if not each.caught]
    seconds = round(time.perf_counter() - began, 1)
    print(json.dumps({**figures, "defects": len(outcomes), "missed": missed, "seconds": seconds}))
    sys.exit(bool(findings or missed))


def _ask(objects: Path, cases: int, count: int, seed: int) -> tuple[dict[str, Any], list[str]]:
    """Return the figures of both kinds of requests, made side by side, and what was found."""
    api = service(described.read_objects(objects))
    findings = list(_examples(api))
    say.print(f"About {cases:,} requests by the description, and {count:,} damaged ones ...")
    with ThreadPoolExecutor(1) as beside:
        damaged = beside.submit(bodies.run, objects, count, seed)
        by_description = described.run(api, cases, seed)
        by_damage = damaged.result()
    findings += [each for each in (by_description.pop("findings"), *by_damage.pop("findings")) if each]
    if by_description["cases"] < cases:
        findings.append(f"schemathesis made {by_description['cases']:,} requests only")
    return {"described": by_description, "damaged": by_damage}, findings


def _examples(api: Any) -> list[str]:
    """Return in what the service does not answer the worked example as the description says."""
    examples = examples_of(json.loads(PAGE.read_text()))
    said = {name: explained(api, examples[name]) for name in ("canonical", "scraped")}
    return [
        f"the {name} example is answered otherwise than docs/openapi.json says: python -m belo.openapi"
        for name, answer in said.items()
        if not near(answer, examples["explained"])
    ]


def near(found: Any, expected: Any) -> bool:
    """Return whether two documents are the same but for rounding."""
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(near(found[name], each) for name, each in expected.items())
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(near, found, expected))
    if isinstance(expected, float):
        return math.isclose(found, expected, rel_tol=NEAR, abs_tol=NEAR)
    return bool(found == expected)


if __name__ == "__main__":
    main()
