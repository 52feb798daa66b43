"""Damaged requests straight through the handler: whatever comes, a reply as described, and no exception.

python -m tests.price_api.bodies --objects FILE --bodies 100000

`tests.price_api.damage` makes them of valid requests in both spellings. The same seed makes the same requests on any
number of processes. The last line on stdout is JSON; exit code 1: a finding, told on stderr.
"""

import argparse
import contextlib
import json
import os
import random
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from belo.sample_service import service
from tests.price_api.books import SEED, Books, books, read_objects
from tests.price_api.damage import request

CHUNK = 1_000  # requests of one seed
SHOWN = 5  # findings of a chunk


def chunk(number: int, count: int, seed: int) -> tuple[Counter[int], list[str]]:
    """Ask a thousand times or so; return the statuses, and what was found."""
    rng, statuses, findings = random.Random(f"{seed} {number}"), Counter[int](), []
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):  # metrics
        for _ in range(count):
            content, event = request(rng)
            try:
                statuses[_books.check(content, _api(event))] += 1
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
                statuses[0] += 1
                findings.append(f"{type(error).__name__}: {str(error)[:300]} - asked: {ascii(event)[:500]}")
    return statuses, findings[:SHOWN]


_api: Any = None
_books: Books


def begin(objects: Path) -> None:
    """Make the handler and the books of this process."""
    global _api, _books
    _api, _books = service(read_objects(objects)), books()


def run(objects: Path, bodies: int, seed: int, processes: int = 2) -> dict[str, Any]:
    """Return how many requests ended with which status, 0 for what was wrong, and `findings`.

    One process alone stops after the first thousand in which something was found.
    """
    began, statuses, findings = time.perf_counter(), Counter[int](), []
    counts = [min(CHUNK, bodies - start) for start in range(0, bodies, CHUNK)]
    jobs = range(len(counts)), counts, [seed] * len(counts)
    if processes == 1:
        begin(objects)
        done = map(chunk, *jobs)
    else:
        pool = ProcessPoolExecutor(processes, get_context("spawn"), begin, (objects,))
        done = pool.map(chunk, *jobs)
    for some, found in done:
        statuses += some
        findings += found
        if findings and processes == 1:
            break
    return {
        "bodies": statuses.total(),
        "statuses": {str(status): statuses[status] for status in sorted(statuses)},
        "wrong": statuses[0],
        "seed": seed,
        "seconds": round(time.perf_counter() - began, 1),
        "findings": findings,
    }


def main() -> None:
    """Run as the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m tests.price_api.bodies", description=__doc__)
    parser.add_argument("--objects", type=Path, required=True, help="a champion, as python -m tests.price_api keeps it")
    parser.add_argument("--bodies", type=int, default=100_000, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, help="the same seed makes the same requests")
    parser.add_argument("--processes", type=int, default=2, help="at once (default: %(default)s)")
    asked = parser.parse_args()
    figures = run(asked.objects, asked.bodies, asked.seed, asked.processes)
    findings = figures.pop("findings")
    print(*findings[:SHOWN], sep="\n", file=sys.stderr)
    print(json.dumps(figures))
    sys.exit(bool(findings))


if __name__ == "__main__":
    main()
