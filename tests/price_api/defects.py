"""Planted defects: one-line mistakes, each put into a copy of the code, that damaged or described requests must show.

The description stays as it is committed: a copy whose structs say something else breaks it.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.chaos.defects import Defect, Outcome, plant, within
from tests.price_api.books import SEED
from tests.price_api.described import SCHEMATHESIS

COPIED = ("pricing", "terminal", "lambdas", "belo", "tests")
FILES = ("docs/openapi.json",)
BODIES, CASES = 5_000, 300  # of each, to show a defect
TIME_LIMIT = 120.0  # seconds


@dataclass(frozen=True, slots=True)
class Planted:
    """A defect, and which requests must show it."""

    defect: Defect
    by: Literal["bodies", "described"]


BY_BODIES = [
    *within(
        "pricing/normalise.py",
        (
            "fail on an area that is true or false",
            "    if not isinstance(value, str):\n        return value\n    try:\n        number =",
            "    if not isinstance(value, str):\n"
            '        return value + "" if isinstance(value, bool) else value\n'
            "    try:\n        number =",
        ),
        (
            "fail on a number that is a word",
            '    except ValueError:\n        raise InvalidRecord("invalid_listing", f"{field}: expected a number',
            '    except KeyError:\n        raise InvalidRecord("invalid_listing", f"{field}: expected a number',
        ),
    ),
    *within(
        "pricing/answer/answer.py",
        ("name no currency", "currency=manifest.currency,", 'currency="",'),
        ("put the interval beside the price", "Interval(low, high, manifest", "Interval(high, high, manifest"),
    ),
    *within(
        "lambdas/asking/request.py",
        (
            "call what is no JSON a fault of ours",
            "raise Refused(400, str(refusal(content, error))) from None",
            'raise Refused(500 if b"NaN" in content else 400, str(refusal(content, error))) from None',
        ),
        ("fail on deep nesting", "except (ValueError, RecursionError) as error:", "except ValueError as error:"),
        ("fail on half a character", 'body.encode("utf-8", "surrogatepass")', "body.encode()"),
        ("price no listings", "    if not rows:\n", "    if False:\n"),
        ("price as many as come", "if len(rows) > MOST_LISTINGS:", "if len(rows) > 10 * MOST_LISTINGS:"),
        (
            "fail on half a character in a header",
            'detail.encode("utf-8", "replace").decode()',
            "detail",
        ),
    ),
    *within(
        "lambdas/asking/reply.py",
        ("give no detail", "        detail=refused.detail,\n", '        detail="",\n'),
        ("call a problem plain JSON", '"application/problem+json"', '"application/json"'),
        ("say another status than the reply's", "        status=refused.status,\n", "        status=400,\n"),
    ),
    *within(
        "lambdas/price_api.py",
        ("forget the last of many", "reply = priced(found, alone", "reply = priced(found[:1] + found[1:-1], alone"),
    ),
]
BY_DESCRIBED = [
    *within(
        "pricing/normalise.py",
        ("take true for a name", "if isinstance(value, bool) or not isinstance(", "if not isinstance("),
        ("read square feet", '"square-foot": "area_m2",', '"square-feet": "area_m2",'),
    ),
    *within(
        "pricing/listing.py",
        ("take any latitude", "latitude: Annotated[float, Meta(ge=-90, le=90)]", "latitude: float"),
    ),
    *within(
        "lambdas/asking/reply.py",
        ("let prices be kept", ', "cache-control": "no-store"', ""),
    ),
    *within(
        "lambdas/asking/request.py",
        (
            "take any word for no",
            "    if explain not in EXPLAIN:\n",
            '    explain = explain if explain in EXPLAIN else "0"\n    if False:\n',
        ),
    ),
]
DEFECTS = [Planted(each, "bodies") for each in BY_BODIES] + [Planted(each, "described") for each in BY_DESCRIBED]


def catch_all(planted: Sequence[Planted], objects: Path) -> Iterator[Outcome]:
    """Plant one defect after the other, two at a time; yield whether it was noticed."""
    with ThreadPoolExecutor(2) as pool:
        yield from pool.map(lambda each: catch(each, objects), planted)


def catch(planted: Planted, objects: Path) -> Outcome:
    """Plant a defect in a copy, and ask there with the champion of `objects`."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        if failed := plant(planted.defect, copy, COPIED, FILES):
            return failed
        options = (
            ("bodies", f"--bodies={BODIES}", "--processes=1")
            if planted.by == "bodies"
            else ("described", f"--cases={CASES}", f"--schemathesis={SCHEMATHESIS}", "--most-findings=1")
        )
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                f"tests.price_api.{options[0]}",
                *options[1:],
                f"--objects={objects}",
                f"--seed={SEED}",
            ],
            cwd=copy,
            env={**os.environ, "PYTHONPATH": str(copy)},
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT,
            check=False,
        )
    lines = done.stdout.splitlines()
    if not lines:
        return Outcome(planted.defect, caught=False, evidence=f"the run failed: {done.stderr[-300:]}")
    found = json.loads(lines[-1])
    if planted.by == "bodies":
        evidence = f"{found['wrong']:,} of {found['bodies']:,} bodies: {done.stderr.partition(' - asked')[0][:100]}"
        return Outcome(planted.defect, found["wrong"] > 0, evidence if found["wrong"] else "unnoticed")
    evidence = f"{', '.join(found['kinds'])}, within {found['cases']:,} cases"
    return Outcome(planted.defect, bool(found["kinds"]), evidence if found["kinds"] else "unnoticed")
