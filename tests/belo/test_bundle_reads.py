"""What of the bundle is read: every function runs through its paths, in an interpreter that sees nothing else."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from belo import bundle
from pricing import manifest as layout
from tests.champions import unsure
from tests.events import batch, payload
from tests.lambdas.test_monitor import NOW, live
from tests.lambdas.test_price_api import HOME, request
from tests.monitoring.markets import ARCHIVE, Cloud

REGION = "us-east-1"
KEYS = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
BUCKETS = {
    "BELO_MODELS_BUCKET": "models",
    "BELO_DEAD_LETTERS_BUCKET": "dead-letters",
    "BELO_ARCHIVE_BUCKET": ARCHIVE,
    "BELO_PREDICTIONS_STREAM": "predictions",
}
WATCHED = BUCKETS | {"BELO_MODELS_BUCKET": "watched"}  # by the monitor, whose market has a champion of its own

LARGE = 64 * 1024  # bytes
UNREAD = {
    "botocore/cacert.pem": "whom to trust over TLS, which loopback does without",
    "onnxruntime/ThirdPartyNotices.txt": "a licence",
}

# Handles events of several functions as one process, and tells what it opened or mapped below the bundle.
RUN = """
import importlib, json, os, sys
task, address, *calls = sys.argv[1:]
opened = set()
sys.addaudithook(lambda name, about: opened.add(about[0]) if name == "open" else None)
sys.path.insert(0, task)
class Context:
    get_remaining_time_in_millis = staticmethod(lambda: 60_000)
out, told, sys.stdout = sys.stdout, [], sys.stderr
for module, environment, event in map(json.loads, calls):
    os.environ.update(environment, AWS_ENDPOINT_URL=address)
    try:
        answer = importlib.import_module(module).handler(event, Context)
    except Exception as error:
        answer = f"{type(error).__name__}: {error}"
    told.append(answer)
with open("/proc/self/maps") as maps:
    opened |= {line.split()[-1] for line in maps}
mine = [str(path)[len(task) + 1:] for path in opened if str(path).startswith(task + "/")]
print(json.dumps([told, sorted(mine)]), file=out)
"""


@pytest.fixture(scope="module")
def unzipped(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(bundle.build(bundle.Target())) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def address():
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_ALLOW_NONEXISTENT_REGION", "true")  # else its Kinesis fails to count what it takes
        server.start()
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
        server.stop()


def called(unzipped: Path, address: str, *calls: tuple[str, dict, dict]) -> tuple[list, set[str]]:
    """Return what the functions answered, or raised, and what they read of the bundle."""
    keys = {name.upper(): key for name, key in KEYS.items()} | {"AWS_DEFAULT_REGION": REGION}
    arguments = [json.dumps([f"lambdas.{name}", keys | buckets, event]) for name, buckets, event in calls]
    command = [sys.executable, "-I", "-S", "-c", RUN, str(unzipped), address, *arguments]
    done = subprocess.run(command, env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told, read = json.loads(done.stdout)
    return told, set(read)


@pytest.fixture(scope="module")
def runs(unzipped, address) -> tuple[list, set[str]]:
    """What every function says before there is a champion and after, and what it has read by then."""
    clients = {name: boto3.client(name, region_name=REGION, endpoint_url=address, **KEYS) for name in ("s3", "kinesis")}
    s3 = clients["s3"]
    for bucket in ("models", "watched", "dead-letters", ARCHIVE):
        s3.create_bucket(Bucket=bucket)
    clients["kinesis"].create_stream(StreamName="predictions", ShardCount=1)
    look = {"time": NOW.isoformat()}
    early, read_early = called(
        unzipped,
        address,
        ("price_api", BUCKETS, request(HOME)),
        ("score", BUCKETS, batch(payload("L-1"))),
        ("monitor", WATCHED, look),
    )
    unsure("9").put(s3, "models")
    s3.put_object(Bucket="models", Key=layout.CHALLENGER_KEY, Body=unsure("9").pointer)
    unsure("1").put(s3, "models")
    cloud = Cloud(Elsewhere(s3))
    cloud.promote()
    live(cloud, rise=1.25)
    late, read_late = called(
        unzipped,
        address,
        ("score", BUCKETS, batch(payload("L-1"), b"not JSON", payload("L-2", area_m2=-3))),
        ("archive", BUCKETS, batch(b"no prediction")),
        ("price_api", BUCKETS, request(HOME)),
        ("price_api", BUCKETS, request(HOME, query={"explain": "1"})),
        ("price_api", BUCKETS, request([])),
        ("monitor", WATCHED, look),
    )
    return early + late, read_early | read_late


class Elsewhere:
    """An S3 whose bucket of models is the one that is watched."""

    def __init__(self, s3) -> None:
        self._s3 = s3

    def put_object(self, *, Bucket: str, **rest) -> None:  # noqa: N803
        self._s3.put_object(Bucket={"models": "watched"}.get(Bucket, Bucket), **rest)


def test_every_function_goes_its_ways_with_nothing_but_the_bundle(runs):
    nobody, no_champion, nothing, scored, archived, priced, no_reasons, empty, watched = runs[0]
    assert (nobody["statusCode"], nothing["champion"]) == (503, None)
    assert no_champion.startswith("NoChampion: ")
    assert (scored, archived) == ({"batchItemFailures": []}, None)
    assert [each["statusCode"] for each in (priced, no_reasons, empty)] == [200, 422, 422]
    assert (watched["drifted"], len(watched["announced"])) == (["performance"], 1)


def test_nothing_large_in_it_is_never_read(runs, unzipped):
    never = [path for path in unzipped.rglob("*") if path.is_file() and not is_read(path, unzipped, runs[1])]
    large = {path.relative_to(unzipped).as_posix() for path in never if path.stat().st_size > LARGE}
    assert large == set(UNREAD)


def is_read(path: Path, unzipped: Path, read: set[str]) -> bool:
    """Return whether a file was read, a source by its bytecode: tracebacks show its lines."""
    bytecode = path.parent / "__pycache__" / f"{path.stem}.{sys.implementation.cache_tag}.pyc"
    return any(each.relative_to(unzipped).as_posix() in read for each in (path, bytecode))
