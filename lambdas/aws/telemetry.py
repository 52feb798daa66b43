"""One line of JSON an invocation: a structured log that CloudWatch also reads as metrics.

Format: CloudWatch User Guide, "Embedded metric format specification". Written by hand because the
usual library costs 60 to 100 ms of every cold start.
"""

import os
import sys
import time
from typing import TextIO

import msgspec

NAMESPACE = "belo-horizonte-pricing"
STACK = os.environ.get("BELO_STACK_NAME", "belo")  # several stacks of an account share the namespace


def emit(
    function: str,
    metrics: dict[str, float],
    units: dict[str, str],
    *,
    out: TextIO | None = None,
    **facts: object,
) -> None:
    """Write metrics (a value each; a unit where it is not Count) and facts to go with them."""
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [["stack", "function"]],
        "Metrics": [{"Name": name, "Unit": units.get(name, "Count")} for name in metrics],
    }
    line = {
        "_aws": {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": [directive]},
        "stack": STACK,
        "function": function,
        **facts,
        **metrics,
    }
    print(msgspec.json.encode(line).decode(), file=out or sys.stdout, flush=True)
