import hashlib
import time
from concurrent.futures import Future
from dataclasses import replace
from threading import Thread

import pytest
from botocore.exceptions import ReadTimeoutError
from urllib3.exceptions import SSLError

from lambdas.score import DEADLINE_MARGIN_MS
from lambdas.scoring.champion import LOOK_WAIT, MOST_BYTES, START_WAIT, Champion, NoChampion
from pricing.manifest import CHAMPION_KEY, manifest_key, model_key
from tests.champions import champion, slow
from tests.conftest import MODELS
from tests.lambdas.fakes import Clock, Hanging, Inline, Watched, client_error


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pool() -> Watched:
    return Watched()


@pytest.fixture
def served(s3, clock, pool) -> Champion:
    champion("1").put(s3, MODELS)
    return Champion(s3, MODELS, clock=clock, pool=pool)


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


LOADING = "what house-price/champion.json names is still being loaded"


def await_look(served: Champion) -> None:
    """Ask without waiting until what was looked for is there, good or bad."""
    while served.refused == LOADING:
        time.sleep(0.05)
        served.current()


def test_a_champion_that_is_slow_never_serves_and_nobody_waits_for_it(s3, served, clock, pool):
    assert version(served) == "1"
    slow("2").put(s3, MODELS)
    clock.sleep(11)
    pool.waits.clear()
    assert version(served) == "1"
    assert pool.waits == [LOOK_WAIT]
    assert served.refused == LOADING
    await_look(served)
    assert version(served) == "1"
    assert served.refused.startswith("TooSlow: golden rows: 1,000 listings take more than 1 s")
    clock.sleep(11)
    assert version(served) == "1"
    assert served.refused.startswith("TooSlow")  # and was not loaded again
    champion("3").put(s3, MODELS)
    clock.sleep(11)
    assert version(served) == "3"
    assert served.refused is None


@pytest.mark.parametrize("key", [CHAMPION_KEY, manifest_key("2"), model_key("2")])
def test_an_s3_that_hangs_holds_up_one_batch_for_its_patience_and_then_what_is_new_serves(s3, served, clock, pool, key):
    assert version(served) == "1"
    champion("2").put(s3, MODELS)
    hanging = served._pointed._s3 = Hanging(s3, {key})
    clock.sleep(11)
    pool.waits.clear()
    assert version(served) == "1"
    assert pool.waits == [LOOK_WAIT]
    assert served.refused == LOADING
    champion("3").put(s3, MODELS)
    clock.sleep(11)
    assert version(served) == "1"
    assert pool.waits == [LOOK_WAIT]  # one look at a time, and nobody waits for it again
    hanging.going_on.set()
    await_look(served)
    assert version(served) == "3"
    assert served.refused is None


class Never(Inline):
    """A pool that is never done, and knows how long it was waited for."""

    def __init__(self) -> None:
        self.submitted, self.waits = 0, []

    def submit(self, *_, **named) -> Future:
        self.submitted += 1
        future: Future = Future()
        future.exception = self.wait
        return future

    def wait(self, timeout: float) -> None:
        self.waits.append(timeout)
        raise TimeoutError


def test_at_a_start_each_batch_waits_a_while_for_one_look_and_stays_in_the_stream(s3, clock):
    pool = Never()
    starting = Champion(s3, MODELS, clock=clock, pool=pool)
    for _ in range(3):
        with pytest.raises(NoChampion, match="still being loaded"):
            starting.current()
        clock.sleep(11)
    assert pool.submitted == 1
    assert [timeout for timeout in pool.waits if timeout] == [START_WAIT] * 3


def test_what_a_batch_waits_for_models_fits_into_the_least_time_that_the_margin_leaves():
    least, margin = 30, DEADLINE_MARGIN_MS / 1000
    assert least - margin > START_WAIT + 2 * LOOK_WAIT


def test_an_instance_that_starts_on_a_champion_without_an_end_serves_the_one_before(s3, clock):
    champion("1").put(s3, MODELS)
    slow("2", turns=10**12, previous="1").put(s3, MODELS)
    watched = Hanging(s3, set())
    started = Champion(watched, MODELS, clock=clock)
    assert version(started) == "1"  # there would be none once START_WAIT is over
    assert started.refused.startswith("TooSlow")
    watched.keys = {manifest_key("2"), model_key("2")}
    clock.sleep(11)
    assert version(started) == "1"
    assert started.refused.startswith("TooSlow")  # nor is it tried again: it would be loading still


@pytest.mark.parametrize("key", [CHAMPION_KEY, manifest_key("2"), model_key("2")])
def test_an_object_of_absurd_size_is_refused_unread(s3, served, clock, key):
    assert version(served) == "1"
    champion("2").put(s3, MODELS)
    served._pointed._s3 = Huge(s3, key)
    clock.sleep(11)
    assert version(served) == "1"
    assert served.refused == f"ContractMismatch: {key}: 209,715,201 bytes, at most 209,715,200 are read"


class Huge:
    """An S3 that says of one object that it is larger than anything that is read, and cannot give it."""

    def __init__(self, s3, key: str) -> None:
        self.s3, self.key = s3, key

    def get_object(self, **request):
        huge = {"ETag": '"huge"', "ContentLength": MOST_BYTES + 1}
        return huge if request["Key"] == self.key else self.s3.get_object(**request)


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
    [
        client_error("SlowDown", 503),
        client_error("AccessDenied", 403),
        ReadTimeoutError(endpoint_url="x"),
        SSLError("bad record"),  # as a body that is being read raises it
        MemoryError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_goes_wrong_with_another_one_leaves_the_old_one_serving(served, clock, error):
    assert version(served) == "1"
    served._pointed._s3 = FailingS3(error)
    clock.sleep(11)
    assert version(served) == "1"
    assert type(error).__name__ in served.refused


def test_where_no_thread_can_be_started_the_old_one_serves(s3, served, clock, monkeypatch):
    assert version(served) == "1"
    champion("2").put(s3, MODELS)
    clock.sleep(11)
    monkeypatch.setattr(Thread, "start", FailingS3(RuntimeError("can't start new thread")).get_object)
    assert version(served) == "1"
    assert served.refused == "RuntimeError: can't start new thread"
    monkeypatch.undo()
    clock.sleep(11)
    assert version(served) == "2"


def test_without_any_champion_whatever_went_wrong_is_told(s3, clock):
    starting = Champion(s3, MODELS, clock=clock)
    starting._pointed._s3 = FailingS3(MemoryError("no memory"))
    with pytest.raises(NoChampion, match="MemoryError: no memory"):
        starting.current()


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
