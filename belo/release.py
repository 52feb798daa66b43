"""Moving the alias `live` of the stack's functions: to what was applied last, a tenth of the calls first; and back.

python -m belo.release forward [--weight 0.1] [--watch SECONDS]     `make release`
python -m belo.release back                                         `make rollback-code`

`terraform apply` publishes versions and moves nothing. Going forward, the new versions take a part of the calls while
their errors are watched; should one fail, everything goes back to what ran before, and the exit code is 1.
"""

import argparse
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from terminal.display import say
from terminal.errors import Failure
from terminal.signals import ended_by_signals
from terminal.stack import Stack

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

LIVE = "live"
FUNCTIONS = ("score", "archive", "monitor", "price-api")
WEIGHT, WATCH = 0.1, 300  # of the calls; seconds
LOOK_EVERY = 15.0  # seconds
DELAY = timedelta(minutes=2)  # after which CloudWatch has what happened
BEFORE = re.compile(r"before: version (\d+)")


@dataclass(frozen=True, slots=True)
class Move:
    """A function whose alias is to go from one version to another."""

    function: str
    before: str
    after: str


def functions_of(score: str) -> list[str]:
    """Return the names of a stack's functions, given the scoring one's."""
    return [f"{score.removesuffix('score')}{name}" for name in FUNCTIONS]


def pending(functions: "LambdaClient", names: list[str]) -> list[Move]:
    """Return the functions whose newest version is not the one that runs; one that is not there is passed by."""
    moves = [Move(name, alias.version, _versions(functions, name)[-1]) for name, alias in _live(functions, names)]
    return [move for move in moves if move.before != move.after]


def forward(
    functions: "LambdaClient",
    cloudwatch: Any,  # noqa: ANN401 - a client
    moves: list[Move],
    *,
    weight: float = WEIGHT,
    watch: float = WATCH,
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Move the aliases, watching `weight` of the calls for `watch` seconds first; raises `Failure` after going back."""
    began = datetime.now(UTC)
    try:
        if watch:
            for move in moves:
                _point(
                    functions, move.function, move.before, f"{weight:.0%} to version {move.after}", {move.after: weight}
                )
            _watch(cloudwatch, moves, began, watch, sleep)
    except BaseException:
        for move in moves:
            _point(functions, move.function, move.before, f"version {move.after} was taken back", {})
        raise
    for move in moves:
        _point(functions, move.function, move.after, f"before: version {move.before}", {})


def back(functions: "LambdaClient", names: list[str]) -> list[Move]:
    """Move each alias to the version that ran before the last release; return the moves. Safe to repeat.

    Raises `Failure` where no function was ever released.
    """
    moves = [
        Move(name, alias.version, released[1])
        for name, alias in _live(functions, names)
        if (released := BEFORE.match(alias.description))
    ]
    for move in moves:
        _point(functions, move.function, move.after, f"version {move.before} was taken back", {})
    if not moves:
        raise Failure("nothing was released that could be taken back")
    return moves


def _watch(
    cloudwatch: Any,  # noqa: ANN401
    moves: list[Move],
    began: datetime,
    watch: float,
    sleep: Callable[[float], object],
) -> None:
    until = time.monotonic() + watch
    while True:
        for move in moves:
            if errors := _errors(cloudwatch, move, began):
                raise Failure(f"{move.function}: version {move.after} failed {errors:.0f} times; {move.before} runs on")
        if (left := until - time.monotonic()) <= 0:
            return
        sleep(min(LOOK_EVERY, left))


def _errors(cloudwatch: Any, move: Move, began: datetime) -> float:  # noqa: ANN401
    dimensions = {"FunctionName": move.function, "Resource": f"{move.function}:{LIVE}", "ExecutedVersion": move.after}
    answer = cloudwatch.get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="Errors",
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=began - timedelta(minutes=1),
        EndTime=datetime.now(UTC) + DELAY,
        Period=60,
        Statistics=["Sum"],
    )
    return float(sum(point["Sum"] for point in answer["Datapoints"]))


class _Alias(NamedTuple):
    version: str
    description: str


def _live(functions: "LambdaClient", names: list[str]) -> Iterator[tuple[str, _Alias]]:
    """Yield the alias of each function; one that is not there is passed by."""
    for name in names:
        with suppress(functions.exceptions.ResourceNotFoundException):
            alias = functions.get_alias(FunctionName=name, Name=LIVE)
            yield name, _Alias(alias["FunctionVersion"], alias.get("Description", ""))


def _versions(functions: "LambdaClient", name: str) -> list[str]:
    pages = functions.get_paginator("list_versions_by_function").paginate(FunctionName=name)
    every = [each["Version"] for page in pages for each in page["Versions"]]
    return sorted((each for each in every if each != "$LATEST"), key=int)


def _point(functions: "LambdaClient", name: str, version: str, description: str, weights: dict[str, float]) -> None:
    functions.update_alias(
        FunctionName=name,
        Name=LIVE,
        FunctionVersion=version,
        Description=description,
        RoutingConfig={"AdditionalVersionWeights": weights},
    )


def main() -> None:
    """Move the aliases of the stack as the arguments say."""
    options = argparse.ArgumentParser(prog="python -m belo.release", description="Move what runs, forward or back.")
    options.add_argument("direction", choices=["forward", "back"])
    options.add_argument("--weight", type=float, default=WEIGHT, help="part of the calls at first (%(default)s)")
    options.add_argument("--watch", type=float, default=WATCH, help="seconds to watch; 0 moves at once (%(default)s)")
    chosen = options.parse_args()
    if not 0 < chosen.weight < 1:
        options.error(f"--weight: expected a fraction above 0 and below 1, got {chosen.weight}")
    try:
        with ended_by_signals("release"):
            stack = Stack.find(os.environ)
            functions, names = stack.client("lambda"), functions_of(stack.score_function)
            say(f"moving {LIVE} at {stack.place(stack.score_function)}", "dim")
            if chosen.direction == "back":
                moves = back(functions, names)
            elif moves := pending(functions, names):
                say(f"{chosen.weight:.0%} of the calls for {chosen.watch:.0f} s: {_listed(moves)}")
                forward(functions, stack.client("cloudwatch"), moves, weight=chosen.weight, watch=chosen.watch)
            say(f"live: {_listed(moves)}" if moves else "what was applied last runs already")
    except Failure as failure:
        failure.exit("release")


def _listed(moves: list[Move]) -> str:
    return ", ".join(f"{move.function} {move.before} -> {move.after}" for move in moves)


if __name__ == "__main__":
    main()
