"""Requests made from docs/openapi.json, right and wrong ones, against a server on this machine; by schemathesis.

python -m tests.price_api.described --objects FILE --cases 2000

What the description calls right must be priced, what it calls wrong must be refused, and every reply must be one that
it declares. The last line on stdout is JSON; exit code 1: a finding, told on stderr.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from belo.sample_service import service
from tests.price_api.books import SEED, read_objects
from tests.price_api.server import serving

ROOT = Path(__file__).parents[2]
ROUTE = "POST /price"
RUNS = 2  # twice as many examples of one run take much more than twice as long
SCHEMATHESIS = ROOT / ".cache/schemathesis/bin/schemathesis"
# Not `unsupported_method`: for other methods than a route has API Gateway says 403, and allows none by name. Not
# `ignored_auth`: who may ask is the gateway's business, and the server here is not the gateway. The others need more
# than one operation.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "positive_data_acceptance",
)


def run(api: Any, cases: int, seed: int, schemathesis: Path = SCHEMATHESIS, most_findings: int = 5) -> dict[str, Any]:
    """Return how many requests were made, and `findings`: what schemathesis says of what was not as described.

    Two runs side by side make half of the requests each, the second by the next seed.
    """
    began = time.perf_counter()
    with serving(api) as address, ThreadPoolExecutor(RUNS) as pool:
        jobs = [
            pool.submit(_ask, address, cases // RUNS, seed + number, schemathesis, most_findings)
            for number in range(RUNS)
        ]
        told, findings = zip(*(job.result() for job in jobs), strict=True)
    kinds = {each["title"] for report in told for each in (*report["failures"], *report["errors"])}
    return {
        "cases": sum(report["test_cases"]["generated"] for report in told),
        "right": sum(sum(each.values()) for report in told for each in report["valid_rates"].get(ROUTE, {}).values()),
        "seed": seed,
        "seconds": round(time.perf_counter() - began, 1),
        "kinds": sorted(kinds),
        "findings": "\n".join(filter(None, findings)),
    }


def _ask(address: str, cases: int, seed: int, schemathesis: Path, most_findings: int) -> tuple[dict[str, Any], str]:
    """Return schemathesis's report, and its words where it found something."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        arguments = {
            "--url": address,
            "--phases": "examples,coverage,fuzzing",
            "--checks": ",".join(CHECKS),
            "--mode": "all",
            "--max-examples": str(cases),
            "--seed": str(seed),
            "--generation-database": "none",
            "--generation-with-security-parameters": "false",
            "--max-failures": str(most_findings),
            "--report": "json",
            "--report-json-path": str(report),
        }
        options = [word for pair in arguments.items() for word in pair]
        command = [str(schemathesis), "run", str(ROOT / "docs/openapi.json"), *options, "--no-shrink", "--no-color"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if not report.exists():
            raise RuntimeError(f"schemathesis did not run: {(done.stdout + done.stderr)[-2_000:]}")
        found = (done.stdout.partition("= FAILURES =")[2] or done.stdout).strip("=\n ")
        return json.loads(report.read_text()), found if done.returncode else ""


def main() -> None:
    """Run as the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m tests.price_api.described", description=__doc__)
    parser.add_argument("--objects", type=Path, required=True, help="a champion, as python -m tests.price_api keeps it")
    parser.add_argument("--cases", type=int, default=2_000, help="about how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, help="the same seed makes the same requests")
    parser.add_argument("--schemathesis", type=Path, default=SCHEMATHESIS, help="the program")
    parser.add_argument("--most-findings", type=int, default=5, help="stop after so many (default: %(default)s)")
    asked = parser.parse_args()
    api = service(read_objects(asked.objects))
    figures = run(api, asked.cases, asked.seed, asked.schemathesis, asked.most_findings)
    if findings := figures.pop("findings"):
        print(findings, file=sys.stderr)
    print(json.dumps(figures))
    sys.exit(bool(findings))


if __name__ == "__main__":
    main()
