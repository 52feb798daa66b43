import hashlib
import threading
import time
from dataclasses import replace

import pytest
from botocore.exceptions import ReadTimeoutError

from lambdas.champion import PATIENCE, Champion, NoChampion
from pricing.manifest import CHAMPION_KEY, manifest_key, model_key
from tests.champions import champion, slow
from tests.conftest import MODELS
from tests.lambdas.fakes import Clock, client_error


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def served(s3, clock) -> Champion:
    champion("1").put(s3, MODELS)
    return Champion(s3, MODELS, clock=clock)


def version(served: Champion) -> str:
    return served.current().manifest.version


def test_the_champion_that_the_pointer_names_serves(served):
    assert version(served) == "1"
    assert served.refused is None


def test_a_new_champion_serves_at_the_next_poll_and_not_before(s3, served, clock):
    assert version(served) == "1"
    champion("2").put(s3, MODELS)
    clock.sleep(9.9)
    assert version(served) == "1"
    clock.sleep(0.2)
    assert version(served) == "2"


def test_an_unchanged_pointer_is_not_read_again(s3, served, clock):
    first = served.current()
    s3.delete_object(Bucket=MODELS, Key=model_key("1"))
    clock.sleep(11)
    assert served.current() is first
    assert served.refused is None


def torn(s3, tiny):
    s3.put_object(Bucket=MODELS, Key=model_key(tiny.version), Body=tiny.model[:-10])


def missing(s3, tiny):
    s3.delete_object(Bucket=MODELS, Key=model_key(tiny.version))


def another_manifest(s3, tiny):
    s3.put_object(Bucket=MODELS, Key=manifest_key(tiny.version), Body=champion("2", base=8.0).manifest)


def no_json(s3, tiny):
    s3.put_object(Bucket=MODELS, Key=CHAMPION_KEY, Body=b'{"version":')


def no_utf8(s3, tiny):
    s3.put_object(Bucket=MODELS, Key=CHAMPION_KEY, Body=tiny.pointer.replace(b"manual", b"man\xfcal"))


def nested(s3, tiny):
    depths = b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b","
    s3.put_object(Bucket=MODELS, Key=CHAMPION_KEY, Body=tiny.pointer.replace(b"{", depths, 1))


def manifest_no_utf8(s3, tiny):
    replace(tiny, manifest=tiny.manifest.replace(b'"none"', b'"n\xe9"')).put(s3, MODELS)


@pytest.mark.parametrize("damage", [torn, missing, another_manifest, no_json, no_utf8, nested, manifest_no_utf8])
def test_a_damaged_new_version_leaves_the_old_one_serving_until_it_is_mended(s3, served, clock, damage):
    assert version(served) == "1"
    tiny = champion("2")
    tiny.put(s3, MODELS)
    damage(s3, tiny)
    clock.sleep(11)
    assert version(served) == "1"
    assert served.refused
    tiny.put(s3, MODELS)
    clock.sleep(11)
    assert version(served) == "2"
    assert served.refused is None


def test_a_champion_that_is_slow_never_serves_and_nobody_waits_for_it(s3, served, clock):
    assert version(served) == "1"
    slow("2").put(s3, MODELS)
    clock.sleep(11)
    started = time.monotonic()
    assert version(served) == "1"
    assert time.monotonic() - started < PATIENCE + 1
    assert served.refused == "version 2 is still being loaded"
    while "still" in served.refused:
        time.sleep(0.05)
        assert version(served) == "1"
    assert served.refused.startswith("TooSlow: golden rows: 3 took ")
    clock.sleep(11)
    assert version(served) == "1"
    assert served.refused.startswith("TooSlow")  # and was not loaded again
    champion("3").put(s3, MODELS)
    clock.sleep(11)
    assert version(served) == "3"
    assert served.refused is None


def test_another_version_does_not_wait_for_one_that_is_being_loaded(s3, served, clock):
    assert version(served) == "1"
    going_on = threading.Event()
    champion("2").put(s3, MODELS)
    served._pointed._s3 = Hanging(s3, model_key("2"), going_on)
    clock.sleep(11)
    assert version(served) == "1"
    champion("3").put(s3, MODELS)
    clock.sleep(11)
    assert version(served) == "3"
    assert served.refused is None
    going_on.set()


class Hanging:
    """An S3 that does not answer for one key until it is told to."""

    def __init__(self, s3, key: str, going_on: threading.Event) -> None:
        self.s3, self.key, self.going_on = s3, key, going_on

    def get_object(self, **request):
        if request["Key"] == self.key:
            self.going_on.wait(60)
            raise client_error("SlowDown", 503)
        return self.s3.get_object(**request)


def test_a_manifest_that_was_changed_after_its_promotion_is_refused(s3, served, clock):
    assert version(served) == "1"
    champion("2").put(s3, MODELS)
    changed = champion("2", interval={"coverage": 0.9, "edges": [], "low": [0.0], "high": [0.0]})
    s3.put_object(Bucket=MODELS, Key=manifest_key("2"), Body=changed.manifest)
    clock.sleep(11)
    assert version(served) == "1"
    expected = [hashlib.sha256(each.manifest).hexdigest() for each in (champion("2"), changed)]
    told = "ContractMismatch: manifest.json: expected sha256 {}, got {}"
    assert served.refused == told.format(*expected)


def test_what_a_version_lacks_is_named(s3, served, clock):
    assert version(served) == "1"
    tiny = champion("2")
    tiny.put(s3, MODELS)
    missing(s3, tiny)
    clock.sleep(11)
    assert version(served) == "1"
    assert served.refused == "ContractMismatch: house-price/versions/2/model.onnx is missing"


def test_a_pointer_to_somebody_elses_manifest_is_refused(s3, clock):
    stranger = champion("1")
    s3.put_object(Bucket=MODELS, Key=model_key("9"), Body=stranger.model)
    s3.put_object(Bucket=MODELS, Key=manifest_key("9"), Body=stranger.manifest)
    s3.put_object(Bucket=MODELS, Key=CHAMPION_KEY, Body=stranger.pointer.replace(b'"1"', b'"9"'))
    with pytest.raises(NoChampion, match="expected version 9, got 1"):
        Champion(s3, MODELS, clock=clock).current()


def test_without_any_champion_it_raises_and_looks_again_at_once(s3, clock):
    waiting = Champion(s3, MODELS, clock=clock)
    with pytest.raises(NoChampion, match=r"champion\.json.*NoSuchKey"):
        waiting.current()
    champion("1").put(s3, MODELS)
    assert version(waiting) == "1"


class FailingS3:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def get_object(self, **_: str) -> None:
        raise self.error


@pytest.mark.parametrize(
    "error",
    [client_error("SlowDown", 503), client_error("AccessDenied", 403), ReadTimeoutError(endpoint_url="x")],
)
def test_a_fault_of_s3_leaves_the_old_one_serving(served, clock, error):
    assert version(served) == "1"
    served._pointed._s3 = FailingS3(error)
    clock.sleep(11)
    assert version(served) == "1"
    assert type(error).__name__ in served.refused


@pytest.mark.parametrize("damage", [torn, missing, another_manifest])
def test_an_instance_that_starts_on_a_broken_champion_serves_the_one_before(s3, clock, damage):
    champion("1").put(s3, MODELS)
    tiny = champion("2", previous="1")
    tiny.put(s3, MODELS)
    damage(s3, tiny)
    started = Champion(s3, MODELS, clock=clock)
    assert version(started) == "1"
    assert started.refused
    tiny.put(s3, MODELS)
    clock.sleep(11)
    assert version(started) == "2"


def test_a_passing_fault_at_the_start_is_no_reason_to_go_back(s3, clock):
    champion("1").put(s3, MODELS)
    champion("2", previous="1").put(s3, MODELS)
    started = Champion(s3, MODELS, clock=clock)
    started._pointed._s3 = Interrupted(s3)
    with pytest.raises(NoChampion, match="SlowDown"):
        started.current()
    started._pointed._s3 = s3
    assert version(started) == "2"


class Interrupted:
    """Gives the pointer and nothing else."""

    def __init__(self, s3) -> None:
        self.s3 = s3

    def get_object(self, *, Key: str, **named: str):  # noqa: N803
        if Key != CHAMPION_KEY:
            raise client_error("SlowDown", 503)
        return self.s3.get_object(Key=Key, **named)
