"""A promoting process that the operating system kills (SIGKILL) at any of its writes, before or after it arrives."""

import signal
import subprocess
import sys
import textwrap

import boto3
import pytest
from moto.server import ThreadedMotoServer

from pricing.model import load
from tests.training.promotion.test_promote import BUCKET
from tests.training.registry.registry_in_memory import RegistryOfThree
from training.promotion.promote import promote
from training.registry.models_bucket import ModelsBucket

pytestmark = pytest.mark.slow

WRITES = 3
CLIENT = {"region_name": "us-east-1", "aws_access_key_id": "testing", "aws_secret_access_key": "testing"}

PROMOTER = """
    import os, signal, sys, boto3
    from tests.training.promotion.test_promote import BUCKET
    from tests.training.registry.registry_in_memory import RegistryOfThree
    from tests.training.promotion.test_promote_killed import CLIENT
    from training.registry.models_bucket import ModelsBucket
    from training.promotion.promote import promote

    endpoint, at, before = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "before"
    s3 = boto3.client("s3", endpoint_url=endpoint, **CLIENT)
    done = 0

    class Doomed:
        def __getattr__(self, name):
            return getattr(s3, name)

        def put_object(self, **arguments):
            global done
            done += 1
            if done == at and before:
                os.kill(os.getpid(), signal.SIGKILL)
            reply = s3.put_object(**arguments)
            if done == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return reply

    promote("2", RegistryOfThree(), ModelsBucket(Doomed(), BUCKET), "manual")
"""


@pytest.fixture(scope="module")
def endpoint():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("write", range(1, WRITES + 1))
def test_a_killed_promoter_leaves_a_whole_champion_and_a_rerun_finishes(endpoint, write, moment):
    s3 = boto3.client("s3", endpoint_url=endpoint, **CLIENT)
    s3.create_bucket(Bucket=BUCKET)
    for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
        s3.delete_object(Bucket=BUCKET, Key=each["Key"])
    bucket, registry = ModelsBucket(s3, BUCKET), RegistryOfThree()
    promote("1", registry, bucket, "manual")

    command = [sys.executable, "-c", textwrap.dedent(PROMOTER), endpoint, str(write), moment]
    killed = subprocess.run(command, check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL

    moved = (write, moment) == (WRITES, "after")
    assert _served(bucket) == ("2" if moved else "1")
    assert promote("2", registry, bucket, "manual").previous == "1"
    assert _served(bucket) == "2"


def _served(bucket):
    pointer, _ = bucket.champion()
    return load(*bucket.get_version(pointer.version)).manifest.version
