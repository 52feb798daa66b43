"""The champion is replaced while listings keep coming."""

import itertools
import json
import threading

import pytest
from typer.testing import CliRunner

from belo.cli import app
from integration_tests.cloud import until
from pricing.manifest import CHAMPION_KEY, manifest_key
from tests.champions import champion
from tests.events import payload


@pytest.fixture
def pointer(cloud):
    """The champion pointer, put back after the test."""
    bucket = cloud.stack.models_bucket
    before = cloud.s3.get_object(Bucket=bucket, Key=CHAMPION_KEY)["Body"].read()
    yield json.loads(before)
    cloud.s3.put_object(Bucket=bucket, Key=CHAMPION_KEY, Body=before)


def versions(cloud, prefix: str) -> dict[str, str]:
    return {name: event["data"]["model"]["version"] for name, event in cloud.predictions(prefix).items()}


def test_under_load_a_new_champion_takes_over_a_corrupted_one_does_not_and_nothing_is_lost(cloud, pointer):
    bucket = cloud.stack.models_bucket
    sent, stop = [], threading.Event()

    def load() -> None:
        for number in itertools.count():
            if stop.wait(0.1):
                return
            names = [f"swap-{number}-{n}" for n in range(10)]
            cloud.put(*[payload(name) for name in names])
            sent.extend(names)

    thread = threading.Thread(target=load)
    thread.start()
    try:
        until(lambda: pointer["version"] in versions(cloud, "swap-").values(), "the old champion prices")
        champion("901").put(cloud.s3, bucket)
        until(lambda: "901" in versions(cloud, "swap-").values(), "the new champion prices")
        corrupted = champion("902")
        corrupted.put(cloud.s3, bucket)
        cloud.s3.put_object(Bucket=bucket, Key=manifest_key("902"), Body=corrupted.manifest[:-30])
        mark = len(sent)
        until(lambda: len(sent) > mark + 400, "load goes on for longer than a poll")
    finally:
        stop.set()
        thread.join()
    until(lambda: versions(cloud, "swap-").keys() == set(sent), "every listing has a price")
    found = versions(cloud, "swap-")
    assert set(found.values()) == {pointer["version"], "901"}
    assert found[sent[-1]] == "901"


def test_promotion_and_rollback_move_the_pointer_that_the_function_follows(cloud):
    def pointed() -> dict:
        return json.loads(cloud.s3.get_object(Bucket=cloud.stack.models_bucket, Key=CHAMPION_KEY)["Body"].read())

    def belo(command: str) -> None:
        result = CliRunner().invoke(app, [command], env=cloud.env)  # a process would import MLflow once more
        assert result.exit_code == 0, result.output

    first = pointed()["version"]
    belo("promote")
    assert (pointed()["version"], pointed()["previous"]) == ("2", first)
    belo("rollback")
    assert (pointed()["version"], pointed()["previous"]) == (first, "2")
