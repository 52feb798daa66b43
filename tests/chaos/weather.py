"""Kinds of fault, and the plan by which they strike."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.chaos.submissions import Mix
from tests.chaos.world import Shape, World
from tests.simulator.faults import Call, Fault

Make = Callable[[random.Random], Fault]
Between = Callable[[World, random.Random], int]


def struck(world: World) -> int:
    """How many faults have struck calls and invocations."""
    return world.injected


@dataclass(frozen=True, slots=True)
class Storm:
    """One kind of fault, and the world that it needs.

    `make` says what strikes the calls whose name begins with `on`, each with probability `rate`. `between`
    happens after each burst of events, which arrives `over` some seconds, and returns how many faults that
    was; `injected` counts the others at the end. `metric` names what the telemetry must have counted by then.
    """

    name: str
    on: str = "no call"
    make: Make | None = None
    rate: float = 0.25
    between: Between | None = None
    injected: Callable[[World], int] = struck
    mix: Mix = field(default_factory=Mix)
    over: float = 0.9
    shape: Shape = field(default_factory=Shape)
    without_champion: bool = False
    may_park: bool = False
    metric: str = ""


class Weather:
    """The faults of a world: any of some storms may strike a call, until it is calm."""

    def __init__(self, storms: Sequence[Storm], seed: int, *, mildness: float = 1.0) -> None:
        self._storms, self._mildness = storms, mildness
        self._random = random.Random(seed)
        self.calm = False

    def __call__(self, call: Call) -> Fault | None:
        """Return what strikes this call, or None."""
        name = f"{call.service} {call.operation} {call.target}"
        for storm in self._storms:
            if self.calm or storm.make is None or not name.startswith(storm.on):
                continue
            if self._random.random() < storm.rate / self._mildness:
                return storm.make(self._random)
        return None
