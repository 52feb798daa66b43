"""Kill -9 at random points, of the publisher, the consumer and a promotion: nothing is lost.

KILLS says how often each is killed; the tests grow with it.
"""

import json
import multiprocessing
import os
import random
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import pytest

from integration_tests.cloud import BELO, Cloud, Reader
from lambdas.scoring.champion import Champion
from pricing.manifest import Pointer
from terminal.stack import Stack
from tests.champions import champion
from tests.stream_consumer.predictions import payload
from training.promotion.promote import promote
from training.registry.mlflow_registry import Registry
from training.registry.models_bucket import ModelsBucket

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("KILLS", "5"))
RATE, ROWS_A_KILL = 600, 400  # events a second: so that a publisher is killed long before it is through
AT_WORK = 0.6  # seconds: a process is killed within these after it set to work
FORKING = multiprocessing.get_context("forkserver")  # imports once what takes seconds to import
MLFLOW = ["mlflow.store.tracking.sqlalchemy_store", "mlflow.store.model_registry.sqlalchemy_store"]
FORKING.set_forkserver_preload(["integration_tests.test_kills", *MLFLOW])


@pytest.fixture(autouse=True)
def _here(emulator):
    if emulator == "localstack":
        pytest.skip("the processes that are killed are the same everywhere; LocalStack takes too few records a second")


@pytest.fixture
def chance() -> random.Random:
    """Says when to kill; a failure names its seed."""
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}", file=sys.stderr)
    return random.Random(seed)


class Victim:
    """A command that is run again and again, its standard output and error appended to two files."""

    def __init__(self, cloud: Cloud, folder: Path, *command: str, **environment: str) -> None:
        self._command, self._folder, self._environment = [str(BELO), *command], folder, cloud.env | environment
        self.out, self.err = folder / "out", folder / "err"

    def run(self, *more: str) -> int:
        """Run it to its end; return the exit code."""
        with self._started(*more) as process:
            return process.wait(timeout=120)

    def kill(self, after: float, sign: Path, *more: str) -> bool:
        """Run it and kill it so many seconds after `sign` grew; return whether it was alive until then."""
        size = sign.stat().st_size if sign.exists() else 0
        with self._started(*more) as process:
            deadline = time.monotonic() + 30
            while sign.stat().st_size == size and process.poll() is None:
                assert time.monotonic() < deadline, f"{self._command} does nothing"
                time.sleep(0.01)
            time.sleep(after)
            process.kill()
            return process.wait() == -9

    @contextmanager
    def _started(self, *more: str) -> Iterator[subprocess.Popen]:
        with self.out.open("ab") as out, self.err.open("ab") as err:
            process = subprocess.Popen(
                [*self._command, *more], stdout=out, stderr=err, env=self._environment, cwd=self._folder
            )
            try:
                yield process
            finally:
                process.kill()
                process.wait()


def test_a_killed_publisher_goes_on_where_it_was_and_skips_nothing(cloud, stream, tmp_path, chance):
    names = [f"L-{number}" for number in range(KILLS * ROWS_A_KILL)]
    rows = [json.dumps({"listing_id": name, "neighborhood": "Sion", "area_m2": 80}) for name in names]
    (tmp_path / "rows.jsonl").write_text("\n".join(rows))
    publish = ["publish", "rows.jsonl", "--resume"]
    victim = Victim(cloud, tmp_path, *publish, "--rate", str(RATE), BELO_LISTINGS_STREAM=stream)
    assert all(victim.kill(chance.uniform(0, AT_WORK), victim.err) for _ in range(KILLS))
    before = len(Reader(cloud.kinesis, stream).read())
    assert 0 < before < len(names)  # it was at work, and not through
    assert victim.run("--rate", "100000") == 0
    published = Reader(cloud.kinesis, stream).read()
    assert {event["data"]["listing_id"] for event in published} == set(names)
    assert len({event["id"] for event in published}) == len(names)  # what was sent twice is dropped as a repeat
    assert len(published) < 2 * len(names)  # and it did go on, not begin again


def test_a_killed_consumer_goes_on_at_its_checkpoint_and_skips_nothing(cloud, stream, tmp_path, chance):
    kinesis, done, sent = cloud.stack.client("kinesis"), threading.Event(), []

    def send() -> None:
        numbers = range(len(sent), len(sent) + 50)
        records = [{"Data": payload(number), "PartitionKey": f"L-{number}"} for number in numbers]
        kinesis.put_records(StreamName=stream, Records=records)
        sent.extend(f"L-{number}" for number in numbers)

    def supply() -> None:
        while not done.wait(0.1):
            send()

    consume = ["consume", "--format", "jsonl", "--checkpoint", "checkpoint"]
    victim = Victim(cloud, tmp_path, *consume, BELO_PREDICTIONS_STREAM=stream)
    supplier = threading.Thread(target=supply)
    supplier.start()
    try:
        assert all(victim.kill(chance.uniform(0, AT_WORK), victim.out, "--follow") for _ in range(KILLS))
    finally:
        done.set()
        supplier.join()
    before = len(listings(victim.out))
    send()  # however far the last one came, something is left to read
    assert victim.run() == 0
    consumed = listings(victim.out)
    assert 0 < before < len(consumed)
    assert set(consumed) == set(sent)
    assert len(consumed) < 2 * len(sent)  # it did go on, not begin again


def listings(out: Path) -> list[str]:
    """Return the listings of the lines that are whole; a killed writer may leave torn ones."""
    found = []
    for line in out.read_bytes().splitlines():
        with suppress(ValueError):
            found.append(json.loads(line)["subject"])
    return found


def registered(registry: Registry, base: float) -> str:
    """Register a tiny model as the next version; return the version."""
    run_id = registry.start_run("tiny", {}, {})
    version = registry.register(run_id, {})
    made = champion(version, base=base)
    registry.keep(run_id, "model/model.onnx", made.model)
    registry.keep(run_id, "model/manifest.json", made.manifest)
    registry.finish_run(run_id, {})
    return version


class Promotion:
    """Promotes versions, each in a process of its own."""

    def __init__(self, stack: Stack, bucket: str, tracking: str) -> None:
        self._arguments = (stack, bucket, tracking)

    def run(self, version: str) -> float:
        """Promote a version; return how many seconds it took."""
        with self._at_work(version) as process:
            started = time.monotonic()
            process.join(60)
        assert process.exitcode == 0
        return time.monotonic() - started

    def kill(self, version: str, after: float) -> bool:
        """Kill a promotion so many seconds after it set to work; return whether it was alive until then."""
        with self._at_work(version) as process:
            time.sleep(after)
        return process.exitcode == -9

    @contextmanager
    def _at_work(self, version: str) -> Iterator[BaseProcess]:
        at_work = FORKING.Event()
        process = FORKING.Process(target=promote_in, args=(*self._arguments, version, at_work))
        process.start()
        try:
            assert at_work.wait(60)
            yield process
        finally:
            process.kill()
            process.join()


class Announced(ModelsBucket):
    """Says when a promotion, its files read, turns to the bucket: what comes before writes nothing."""

    def __init__(self, s3: Any, bucket: str, at_work: Event) -> None:
        super().__init__(s3, bucket)
        self._at_work = at_work

    def champion(self) -> tuple[Pointer, str] | None:
        self._at_work.set()
        return super().champion()


def promote_in(stack: Stack, bucket: str, tracking: str, version: str, at_work: Event) -> None:
    registry = Registry.open({"MLFLOW_TRACKING_URI": tracking})
    promote(version, registry, Announced(stack.client("s3"), bucket, at_work), "manual")


def test_a_killed_promotion_leaves_a_whole_champion_and_a_rerun_finishes(cloud, tmp_path, chance, monkeypatch):
    monkeypatch.chdir(tmp_path)  # MLflow keeps files beside its database
    bucket, tracking = f"kills-{uuid.uuid4().hex[:8]}", f"sqlite:///{tmp_path / 'mlflow.db'}"
    cloud.s3.create_bucket(Bucket=bucket)
    registry = Registry.open({"MLFLOW_TRACKING_URI": tracking})
    promotion = Promotion(cloud.stack, bucket, tracking)
    champions = [registered(registry, 9.0)]
    promotion.run(champions[0])
    kills, lasts = 0, 0.1  # seconds
    while kills < KILLS:
        champions.append(registered(registry, 9.0 + len(champions) / 100))
        kills += promotion.kill(champions[-1], chance.uniform(0, lasts))
        serving = Champion(cloud.s3, bucket)
        assert serving.current().manifest.version in champions[-2:]
        assert serving.refused is None
        lasts = (lasts + promotion.run(champions[-1])) / 2
        pointer, _ = ModelsBucket(cloud.s3, bucket).champion()
        assert (pointer.version, pointer.previous) == tuple(champions[:-3:-1])
        assert "champion" in registry.find(champions[-1]).aliases
    assert len(champions) < 4 * KILLS + 4  # most kills came in time
