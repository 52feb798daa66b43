"""The kinds of fault that clients meet."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from stream_consumer.consumer import Consumer
from stream_consumer.positions import LATEST
from stream_producer.file_publisher import Choices, FilePublisher
from tests.chaos.clients.consuming import STREAM, Consuming, Reader
from tests.chaos.clients.disk import DiskFull, ShortWrite
from tests.chaos.clients.kinesis import ExpireIterators, ForgetPlace, ListNoShards, LoseIterator, ProxyPage
from tests.chaos.clients.objects import WriteTwice
from tests.chaos.clients.publishing import Publishing, Writer
from tests.chaos.clients.redriving import Redriving, Sender
from tests.chaos.weather import Storm as Calls
from tests.simulator.faults import Crash, DropConnection, RefuseCall, RefuseEntries, Stall

THROTTLED = "ProvisionedThroughputExceededException"
HOUR = 3600.0
ABSENCE = 600.0  # seconds: at its beginning predictions come that nobody reads
AWS = (ClientError, BotoCoreError)


@dataclass(frozen=True, slots=True)
class Storm:
    """A kind of fault: what strikes calls, writes and syncs, and how the client is run."""

    name: str
    client: Reader | Writer | Sender
    calls: tuple[Calls, ...] = ()
    alone: bool = False  # not part of everything at once


def strikes(on: str, rate: float, *faults: object) -> Calls:
    """Return what strikes calls whose name begins with `on`."""
    return Calls(on, on=on, make=lambda rng: rng.choice(faults), rate=rate)  # type: ignore[arg-type,return-value]


def reshard(world: Consuming, rng: random.Random, within: float = 40.0) -> int:
    """Split a shard or merge two, some time during the next run."""

    def change() -> None:
        stream = world.stream
        shards = sorted((stream.shards[name] for name in stream.open_shards()), key=lambda each: each.first)
        place = rng.randrange(len(shards))
        if len(shards) > 4 or (len(shards) > 1 and rng.random() < 0.5):
            place = min(place, len(shards) - 2)
            stream.merge(shards[place].shard_id, shards[place + 1].shard_id)
        else:
            stream.split(shards[place].shard_id)

    for _ in range(2):
        world.clock.schedule(world.clock.time() + rng.uniform(0, within), change)
    return 2


def leave(hours: float) -> Callable[[Consuming, random.Random], int]:
    """Let nobody read for some hours, now and then, while predictions come."""

    def away(world: Consuming, rng: random.Random) -> int:
        if rng.random() < 0.5:
            return 0
        world.publish(60, ABSENCE)
        world.clock.freeze(hours * HOUR)
        return 1

    return away


def leave_and_reshard(hours: float) -> Callable[[Consuming, random.Random], int]:
    """Let shards close and go while nobody reads."""

    def away(world: Consuming, rng: random.Random) -> int:
        reshard(world, rng, within=ABSENCE)
        return leave(hours)(world, rng)

    return away


def suspend(hours: float) -> Callable[[Consuming, random.Random], int]:
    """Suspend the machine in the midst of reading."""

    def sleep(world: Consuming, rng: random.Random) -> int:
        world.clock.schedule(
            world.clock.time() + rng.uniform(1, 30), lambda: world.clock.freeze(rng.uniform(0.1, 1) * hours * HOUR)
        )
        return 1

    return sleep


def second_reader(world: Consuming, rng: random.Random) -> int:
    """Start another reader with the same checkpoint while one runs."""

    def start() -> None:
        failures = len(world.machine.failures)
        with world.machine.process():
            checkpoint = world.folder / "checkpoint"
            Consumer(world.stream, STREAM, checkpoint=checkpoint, clock=world.clock.monotonic, sleep=world.clock.sleep)
            world.wrong.append("a second reader was let in")
        if len(world.machine.failures) > failures and "another process" in str(world.machine.failures[-1]):
            world.machine.failures.pop()

    world.clock.schedule(world.clock.time() + rng.uniform(2, 10), start)
    return 1


def busy_to_the_end(world: Consuming, rng: random.Random) -> int:
    """Read to the end of a stream on which predictions never cease to arrive."""
    if world.was_busy:
        return 0  # once is enough
    world.was_busy = True
    world.publish(3_600, 60)
    world.clock.sleep(5)
    began = world.clock.time()
    world.run(2_000, to_end=True)
    if world.clock.time() - began > 20:
        world.wrong.append(f"reading to the end of a busy stream took {world.clock.time() - began:.0f} s")
    del rng
    return 1


def foreign(world: Consuming, rng: random.Random) -> int:
    """Put records that are no predictions."""
    junk = (b"", b"\xff\xfe", b"{}", b'{"specversion":"1.0"}', b"\xf3\x89\x9a\xc2" + b"x" * 40)
    for _ in range(5):
        world.clock.schedule(world.clock.time() + rng.uniform(0, 20), lambda: world.stream.put("x", rng.choice(junk)))
    return 5


def second_publisher(world: Publishing, rng: random.Random) -> int:
    """Start another `--resume` of the same file while one runs."""

    def start() -> None:
        failures = len(world.machine.failures)
        with world.machine.process():
            FilePublisher(world.stream, "listings").publish(str(world.file), Choices(resume=True))  # type: ignore[arg-type]
            world.wrong.append("a second publisher was let in")
        if len(world.machine.failures) > failures and "another process" in str(world.machine.failures[-1]):
            world.machine.failures.pop()

    world.machine.schedule(rng.uniform(0.02, 0.1), start)
    return 1


def kill_publisher(world: Publishing, rng: random.Random) -> int:
    """Kill it some time."""
    world.machine.schedule(rng.uniform(0.01, 0.4), world.machine.kill)
    return 1


def second_redrive(world: Redriving, rng: random.Random) -> int:
    """Redrive the same bucket at the same time."""
    del rng
    world.run()
    return 1


READING, PUTTING = "kinesis get_records", "kinesis put_records"
DENIED = RefuseCall("AccessDeniedException")
STORMS = [
    Storm("resharding", Reader(between=reshard)),
    Storm("throttled reads", Reader(), (strikes(READING, 0.3, RefuseCall(THROTTLED)),)),
    Storm(
        "throttled lists while shards split",
        Reader(between=reshard),
        (strikes("kinesis list_shards", 0.6, RefuseCall("LimitExceededException"), ListNoShards()),),
    ),
    Storm(
        "faults of the service at any call", Reader(), (strikes("kinesis", 0.2, RefuseCall("InternalFailure", 500)),)
    ),
    Storm("lost answers", Reader(), (strikes(READING, 0.3, DropConnection(after=True)),)),
    Storm(
        "broken connections",
        Reader(may_fail=(EndpointConnectionError,)),
        (strikes("kinesis", 0.2, DropConnection(), DropConnection(after=True)),),
    ),
    Storm("slow answers", Reader(), (strikes("kinesis", 0.1, Stall(3.0), Stall(30.0)),)),
    Storm("expired iterators", Reader(), (strikes(READING, 0.1, ExpireIterators()),)),
    Storm("answers without a next iterator", Reader(between=reshard), (strikes(READING, 0.1, LoseIterator()),)),
    Storm("a proxy's pages", Reader(between=reshard), (strikes("kinesis", 0.15, ProxyPage()),)),
    Storm("no shards listed", Reader(between=reshard), (strikes("kinesis list_shards", 0.6, ListNoShards()),)),
    Storm("a stream in the making", Reader(), (strikes("kinesis", 0.15, RefuseCall("ResourceInUseException")),)),
    Storm(
        "a shard that is not found for a while",
        Reader(between=reshard),
        (strikes("kinesis get_", 0.1, RefuseCall("ResourceNotFoundException")),),
    ),
    Storm(
        "a place that the service forgot",
        Reader(),
        (
            strikes("kinesis get_shard_iterator", 0.3, ForgetPlace()),
            strikes(READING, 0.05, ExpireIterators()),
        ),
    ),
    Storm("retention passes while nobody reads", Reader(between=leave(30.0), repeats=0.0), alone=True),
    Storm("shards are gone when reading goes on", Reader(between=leave_and_reshard(30.0), repeats=0.0), alone=True),
    Storm("the machine sleeps", Reader(between=suspend(3.0))),
    Storm(
        "the machine sleeps for longer than the stream keeps", Reader(between=suspend(40.0), repeats=0.0), alone=True
    ),
    Storm("kills", Reader(kills=0.8)),
    Storm("crashes in calls", Reader(), (strikes("kinesis", 0.01, Crash(), Crash(after=True)),)),
    Storm("a crash or power cut at every write", Reader(repeats=0.3), (strikes("disk", 0.12, Crash()),)),
    Storm(
        "a crash or power cut at every write of a file",
        Reader(to_file=True, aggregates=True),
        (strikes("disk", 0.04, Crash()),),
    ),
    Storm(
        "full disks",
        Reader(may_fail=(OSError,), to_file=True),
        (strikes("disk write", 0.15, DiskFull()), strikes("disk fsync", 0.03, DiskFull())),
    ),
    Storm(
        "a sink that takes a part",
        Reader(kills=0.3),
        (strikes("disk write", 0.5, ShortWrite()), strikes("disk write", 0.01, Crash())),
    ),
    Storm("two readers with one checkpoint", Reader(between=second_reader), alone=True),
    Storm("other time zones after restarts", Reader(zones=True, kills=0.3)),
    Storm("repeats that come after restarts", Reader(repeats=0.4, kills=0.2, zones=True)),
    Storm("aggregated records, read in parts", Reader(aggregates=True, most=37)),
    Storm("records that are no predictions", Reader(between=foreign)),
    Storm("a busy stream, read to its end", Reader(between=busy_to_the_end, page=1_000), alone=True),
    Storm(
        "the latest asked for again",
        Reader(start=LATEST, kills=0.2, zones=True),
        (strikes("kinesis get_", 0.2, RefuseCall("InternalFailure", 500), ExpireIterators()),),
        alone=True,
    ),
    Storm("the newest of each listing, across restarts", Reader(newest=True, kills=0.6), alone=True),
    Storm(
        "the newest of each listing, with crashes at every write",
        Reader(newest=True, repeats=0.3),
        (strikes("disk", 0.04, Crash()),),
        alone=True,
    ),
    Storm(
        "three workers while shards split and merge",
        Reader(between=reshard, workers=3, kills=0.2, repeats=0.0),
        alone=True,
    ),
    Storm(
        "a checkpoint in S3: faults and lost answers",
        Reader(in_s3=True, may_fail=AWS, kills=0.2),
        (
            strikes("s3 RetryPutObject", 0.1, WriteTwice()),
            strikes(
                "s3 PutObject", 0.05, RefuseCall("InternalError", 500), DropConnection(after=True), Crash(after=True)
            ),
        ),
        alone=True,
    ),
    Storm("publish: nothing happens", Writer(exact=True, torn_end=True, bad_rows=0.05), alone=True),
    Storm(
        "publish: entries refused",
        Writer(exact=True),
        (strikes("kinesis put_records", 0.5, RefuseEntries(), RefuseEntries(7, 3)),),
    ),
    Storm("publish: throttled", Writer(exact=True), (strikes("kinesis put_records", 0.4, RefuseCall(THROTTLED)),)),
    Storm(
        "publish: lost answers",
        Writer(),
        (strikes("kinesis put_records", 0.3, DropConnection(), DropConnection(after=True), Stall(30.0)),),
    ),
    Storm("publish: a proxy's pages", Writer(), (strikes("kinesis put_records", 0.3, ProxyPage()),)),
    Storm("publish: kills", Writer(during=kill_publisher, zones=True)),
    Storm(
        "publish: a crash or power cut at every write",
        Writer(),
        (strikes("disk", 0.2, Crash()), strikes("kinesis", 0.02, Crash(), Crash(after=True))),
    ),
    Storm("publish: full disks", Writer(), (strikes("disk", 0.5, DiskFull()), strikes("kinesis", 0.05, Crash()))),
    Storm("publish: a stream that refuses for a while", Writer(), (strikes(PUTTING, 0.2, DENIED),)),
    Storm("publish: two processes with one file", Writer(during=second_publisher), alone=True),
    Storm(
        "publish: aggregated records, kills and refusals",
        Writer(aggregate=True, during=kill_publisher),
        (strikes("kinesis put_records", 0.2, RefuseEntries()),),
    ),
    Storm("redrive: nothing happens", Sender(exact=True), alone=True),
    Storm("redrive: entries refused", Sender(exact=True), (strikes("kinesis put_records", 0.5, RefuseEntries()),)),
    Storm(
        "redrive: crashes anywhere",
        Sender(),
        (strikes("s3", 0.01, Crash(), Crash(after=True)), strikes("kinesis", 0.01, Crash(), Crash(after=True))),
    ),
    Storm(
        "redrive: faults of S3",
        Sender(may_fail=AWS),
        (strikes("s3", 0.02, RefuseCall("InternalError", 500), DropConnection(after=True)),),
    ),
    Storm("redrive: a stream that refuses for a while", Sender(), (strikes(PUTTING, 0.2, DENIED),)),
    Storm("redrive: two at once", Sender(during=second_redrive), alone=True),
    Storm("redrive: letters that come back", Sender(comes_back=True), alone=True),
]
