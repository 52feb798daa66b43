"""One phase: a client's world, a storm over it, a calm, and the books."""

import random
import tempfile
from dataclasses import replace
from pathlib import Path

from tests.chaos.clients import consuming, publishing, redriving
from tests.chaos.clients.consuming import Consuming, Reader
from tests.chaos.clients.process import zone_kept
from tests.chaos.clients.publishing import Publishing, Writer
from tests.chaos.clients.redriving import Redriving, Sender, come_back
from tests.chaos.clients.storms import STORMS, Storm, kill_publisher
from tests.chaos.phase import EVERYTHING, Result
from tests.chaos.weather import Weather

QUIET = 60.0  # seconds in which an idle reader's calls are counted
HOUR = 3600.0
BURSTS = (20, 50, 200, 600)
MOST_RUNS = 500  # of a publisher or a redrive, until all is done


def run_phase(storm: Storm, seed: int, events: int, mildness: float = 1.0) -> Result:
    """Send `events` through one kind of fault."""
    random.seed(seed)  # jitter
    with tempfile.TemporaryDirectory() as parent, zone_kept():
        folder = Path(parent).resolve() / "disk"
        folder.mkdir()
        weather = Weather(storm.calls, seed, mildness=mildness)
        if isinstance(storm.client, Reader):
            return _consume(storm, Consuming(storm.client, weather, seed, folder), events)
        if isinstance(storm.client, Writer):
            return _publish(storm, Publishing(storm.client, weather, seed, folder), events)
        return _redrive(storm, Redriving(storm.client, weather, seed, folder), events)


def run_everything(seed: int, events: int) -> list[Result]:
    """Send `events` through all kinds of fault that strike by themselves, together: a phase for each client."""
    return [_everything(kind, seed + place, events // 3) for place, kind in enumerate((Reader, Writer, Sender))]


def _everything(kind: type, seed: int, events: int) -> Result:
    storms = [storm for storm in STORMS if isinstance(storm.client, kind) and not storm.alone]
    calls = tuple(call for storm in storms for call in storm.calls)
    may_fail = tuple(error for storm in storms for error in storm.client.may_fail)
    if kind is Reader:

        def between(world: Consuming, rng: random.Random) -> int:
            some = [storm.client.between for storm in storms if isinstance(storm.client, Reader)]
            return sum(each(world, rng) for each in rng.sample(some, 4) if each)

        client: Reader | Writer | Sender = Reader(
            between=between, may_fail=may_fail, kills=0.3, zones=True, repeats=0.1, aggregates=True, to_file=True
        )
    elif kind is Writer:
        client = Writer(during=_killed, may_fail=may_fail, zones=True)
    else:
        client = Sender(may_fail=may_fail)
    return run_phase(Storm(f"{EVERYTHING}: {kind.__name__.lower()}", client, calls), seed, events, mildness=6.0)


def _killed(world: Publishing, rng: random.Random) -> int:
    if rng.random() < 0.5:
        return 0
    return kill_publisher(world, rng)


def _consume(storm: Storm, world: Consuming, events: int) -> Result:
    reader, rng = world.reader, world.rng
    injected = 0
    if reader.start.newest:
        world.publish_before(50)
    left = events
    world.run(5)
    while left > 0:
        burst = min(left, rng.choice(BURSTS))
        left -= burst
        over = rng.uniform(5, 60)
        world.publish(burst, over)
        injected += reader.between(world, rng) if reader.between else 0
        world.run(over + rng.uniform(0, 20))
    world.weather.calm = True
    world.clock.sleep(HOUR)
    world.reader = replace(reader, kills=0.0, most=None)
    world.publish_now(20)
    world.run(1e6, to_end=True)
    _idle(world)
    verdict = consuming.audit(world)
    return Result(storm.name, injected + world.injected, verdict)


def _idle(world: Consuming) -> None:
    """An idle reader asks each of its shards once a second."""
    before = world.stream.asked.get("get_records", 0)
    world.run(QUIET)
    asked = world.stream.asked.get("get_records", 0) - before
    most = (QUIET + 10) * len(world.stream.open_shards())
    if asked > most:
        world.wrong.append(f"an idle reader asked {asked} times in {QUIET:.0f} s, at most {most:.0f}")


def _publish(storm: Storm, world: Publishing, events: int) -> Result:
    world.write_file(events)
    for run in range(MOST_RUNS):
        world.weather.calm = run > MOST_RUNS // 2
        if world.run():
            break
    verdict = publishing.audit(world)
    return Result(storm.name, world.injected, verdict)


def _redrive(storm: Storm, world: Redriving, events: int) -> Result:
    world.fill(events)
    for run in range(MOST_RUNS):
        world.weather.calm = run > MOST_RUNS // 2
        if world.run():
            break
    if world.sender.comes_back:
        come_back(world, events)
    world.weather.calm = True
    while not world.run():  # what changed while it was redriven
        pass
    verdict = redriving.audit(world)
    return Result(storm.name, world.injected, verdict)
