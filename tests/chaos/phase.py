"""One phase: a world, a storm over it, a calm, and the books."""

import itertools
import random
from dataclasses import dataclass, replace

from pricing.manifest import CHALLENGER_KEY
from tests.chaos.books import Verdict, audit
from tests.chaos.champions import FIRST, GOOD, LAST, POLL, challenger
from tests.chaos.documents import Expectation
from tests.chaos.storms import STORMS
from tests.chaos.submissions import Mix, records
from tests.chaos.weather import Storm, Weather
from tests.chaos.world import World

CALM = 300.0  # seconds between the last fault and the events that must find everything in order
EVERYTHING = "everything at once"
NEXT = challenger("c3")


@dataclass(frozen=True, slots=True)
class Result:
    """How often the faults of a phase struck, and what the books said."""

    fault: str
    injected: int
    verdict: Verdict


def run_phase(storm: Storm, seed: int, events: int) -> Result:
    """Send `events` through one kind of fault."""
    return _run(storm, Weather([storm], seed), seed, events)


def run_everything(seed: int, events: int) -> Result:
    """Send `events` through all kinds of fault that strike by themselves, together."""
    storms = [storm for storm in STORMS if not storm.may_park]

    def between(world: World, rng: random.Random) -> int:
        return sum(storm.between(world, rng) for storm in rng.sample(storms, 3) if storm.between)

    mixed = Storm(EVERYTHING, between=between, mix=Mix(repeats=0.05, aggregates=0.05))
    return _run(mixed, Weather(storms, seed, mildness=12.0), seed, events)


def _run(storm: Storm, weather: Weather, seed: int, events: int) -> Result:
    rng = random.Random(seed)
    world = World(seed, weather, replace(storm.shape, bisect=rng.random() < 0.8))
    stream = records(seed, events, storm.mix)
    quiet = max(20, events // 40)
    if not storm.without_champion:
        world.promote(FIRST)
        world.submit(itertools.islice(stream, quiet))
        world.run(30)
    injected = 0
    for size in _bursts(rng, events - 3 * quiet):
        world.submit(itertools.islice(stream, size), over=storm.over)
        injected += storm.between(world, rng) if storm.between else 0
        world.run(rng.uniform(1, 30))
    world.promote(LAST)
    world.submit(itertools.islice(stream, quiet))
    world.run(POLL)
    weather.calm = True
    world.promote(LAST)  # again, if a fault has moved the pointer
    world.promote(NEXT, CHALLENGER_KEY)
    world.run()
    world.clock.jump(world.clock.time() + CALM)  # the function is frozen meanwhile
    since = world.clock.time()
    world.submit(stream)
    world.run()
    expected = Expectation(GOOD, storm.may_park, (since, LAST.version), (since, NEXT.version))
    verdict = audit(world, expected)
    if storm.metric and not getattr(world.telemetry, storm.metric):
        verdict.note("wrong", f"no metric was raised: {storm.metric}")
    return Result(storm.name, injected + storm.injected(world), verdict)


def _bursts(rng: random.Random, events: int) -> list[int]:
    sizes = []
    largest = max(30, events // 10)
    while events:
        sizes.append(min(events, largest, rng.choice([30, 300, 300, 3000])))
        events -= sizes[-1]
    return sizes
