"""Every kind of fault that the long run sends events through."""

import random

from tests.chaos.champions import BROKEN, FIRST, POLL, SECOND, challenge, promote_broken, swap, take_turns
from tests.chaos.submissions import Mix
from tests.chaos.weather import Make, Storm
from tests.chaos.world import SIX_HOURS, Shape, World
from tests.simulator.faults import (
    ChangeObject,
    Crash,
    DropConnection,
    Fault,
    LoseResponse,
    RefuseCall,
    RefuseEntries,
    RefuseShards,
    Stall,
    TearBody,
    ThrottleInvocation,
)

PUT, GET, LETTER, INVOKE = "kinesis PutRecords", "s3 GetObject", "s3 PutObject dead-letters", "lambda Invoke"
LOOK, PREDICT = "thread _look", "thread predict"
POINTER = "s3 GetObject models/house-price/champion.json"
THROTTLED, INTERNAL = "ProvisionedThroughputExceededException", "InternalFailure"
SLOW_DOWN, UNAVAILABLE = RefuseCall("SlowDown", 503), RefuseCall("ServiceUnavailable", 500)
POISONED = Mix(bad=0.2)
FLAPPING = (ChangeObject(FIRST.pointer), ChangeObject(SECOND.pointer))


def _entries(code: str) -> Make:
    return lambda rng: RefuseEntries(every=rng.choice([1, 2, 3, 7]), first=rng.randrange(7), code=code)


def _any(*faults: Fault) -> Make:
    return lambda rng: rng.choice(faults)


def _slow(rng: random.Random) -> Fault:
    return Stall(rng.uniform(0.5, 45))


def _late(rng: random.Random) -> Fault:
    return Stall(rng.uniform(0.1, 200))


def _torn(rng: random.Random) -> Fault:
    return TearBody(rng.random())


def _restart(world: World, rng: random.Random) -> int:
    for _ in range(3):
        world.run(rng.uniform(0.0, 0.05))
        world.restart_pollers(forgotten=rng.randrange(50))
    return 3 * len(world.listings.shards)


def _an_hour_without_champion(world: World, _: random.Random) -> int:
    if not world.telemetry.lines:
        world.run(3600)
        world.promote(FIRST)
    return 0


def _seven_hours(world: World, _: random.Random) -> int:
    if not world.mapping.parked:
        world.run(SIX_HOURS + 3600)
    return 0


def _without_champion(world: World) -> int:
    return sum(each.answer.error == "NoChampion" for each in world.mapping.log)


def _bad(world: World) -> int:
    return sum(submission.reason is not None for submission in world.submitted.values())


def _aggregates(world: World) -> int:
    return sum(index == 1 for _, _, index in world.submitted)


def _repeats(world: World) -> int:
    good = [submission.identity for submission in world.submitted.values() if submission.identity]
    return len(good) - len(set(good))


def _champion(name: str, on: str = "no call", make: Make | None = None) -> Storm:
    """A storm over the bucket of models while good versions are promoted in turn."""
    return Storm(f"champion: {name}", on, make, rate=0.4, between=swap, over=3 * POLL)


STORMS = [
    Storm("PutRecords: entries throttled", PUT, _entries(THROTTLED), rate=0.5),
    Storm("PutRecords: entries fail inside", PUT, _entries(INTERNAL), rate=0.5),
    Storm("PutRecords: whole call throttled", PUT, _any(RefuseCall(THROTTLED)), rate=0.5),
    Storm(
        "PutRecords: server error",
        PUT,
        _any(RefuseCall(INTERNAL, 500), UNAVAILABLE),
    ),
    Storm("PutRecords: connection refused", PUT, _any(DropConnection()), rate=0.5),
    Storm("PutRecords: connection dropped after accepting", PUT, _any(DropConnection(after=True))),
    Storm("PutRecords: answer slow", PUT, _slow, rate=0.4),
    Storm(
        "PutRecords: no answer for minutes",
        PUT,
        _any(Stall(1e4)),
        rate=0.8,
        mix=Mix(aggregates=0.9),
        shape=Shape(shards=1, parallelization_factor=1),  # so that batches are large enough for several requests
    ),
    Storm("PutRecords: refused for minutes", PUT, _any(RefuseCall(THROTTLED)), rate=0.97),
    Storm("PutRecords: a shard hot for minutes", PUT, _any(RefuseShards(every=5)), rate=0.97),
    Storm(
        "shard write limits",
        injected=lambda world: world.kinesis.throttled,
        shape=Shape(output_shards=1, parallelization_factor=4),
    ),
    Storm("time-out in mid-flight", PUT, _any(Stall(1e4)), rate=0.1, shape=Shape(patient=True)),
    Storm("crash before PutRecords", PUT, _any(Crash()), rate=0.1),
    Storm("crash after PutRecords", PUT, _any(Crash(after=True)), rate=0.1),
    Storm("crash around dead letters", LETTER, _any(Crash(), Crash(after=True)), mix=POISONED),
    Storm("response lost", INVOKE, _any(LoseResponse())),
    Storm("invocation throttled", INVOKE, _any(ThrottleInvocation())),
    Storm("poller restarted", between=_restart, shape=Shape(batch_size=100)),
    Storm("dead letters: S3 refuses", LETTER, _any(SLOW_DOWN, UNAVAILABLE), mix=POISONED),
    Storm(
        "dead letters: connection dropped",
        LETTER,
        _any(DropConnection(), DropConnection(after=True)),
        mix=POISONED,
    ),
    Storm(
        "dead letters: S3 down for seven hours",
        LETTER,
        _any(SLOW_DOWN),
        rate=1.0,
        between=_seven_hours,
        may_park=True,
    ),
    _champion("S3 refuses", GET, _any(SLOW_DOWN, DropConnection())),
    _champion("bodies torn", GET, _torn),
    _champion("reads slow", GET, _slow),
    _champion("loads late", LOOK, _late),
    _champion("pointer changes between reads", POINTER, _any(*FLAPPING)),
    _champion("swapped under load"),
    Storm(
        "champion: broken version promoted",
        between=promote_broken,
        over=len(BROKEN) * POLL,
        metric="champion_refused",
    ),
    Storm(
        "champion: none for an hour",
        between=_an_hour_without_champion,
        injected=_without_champion,
        without_champion=True,
    ),
    Storm("challenger: comes, crashes, goes", between=challenge, over=5 * POLL, metric="challenger_dropped"),
    Storm(
        "challenger: slow",
        PREDICT,
        _late,
        between=take_turns,
        over=2 * POLL,
        metric="challenger_dropped",
    ),
    Storm("poison flood", mix=Mix(bad=0.9), injected=_bad),
    Storm("records aggregated", mix=Mix(bad=0.1, aggregates=0.3), injected=_aggregates),
    Storm("publisher repeats events", mix=Mix(repeats=0.3), injected=_repeats),
]
