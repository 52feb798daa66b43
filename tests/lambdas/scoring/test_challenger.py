import time

import pytest

from lambdas.scoring.challenger import Challenger
from lambdas.scoring.champion import LOOK_WAIT
from pricing.listing import Features
from pricing.manifest import CHALLENGER_KEY, manifest_key
from tests import champions
from tests.champions import champion, slow
from tests.conftest import MODELS
from tests.lambdas.fakes import Clock, Watched, client_error

HOMES = [Features(neighborhood="Buritis", area_m2=80.0), Features(neighborhood="Savassi", area_m2=120.0)]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def challenger(s3, clock) -> Challenger:
    return Challenger(s3, MODELS, clock=clock)


def challenge(s3, version: str, **changes) -> None:
    tiny = champion(version, **changes)
    tiny.put(s3, MODELS)
    s3.put_object(Bucket=MODELS, Key=CHALLENGER_KEY, Body=tiny.pointer)


def test_the_challengers_price_stands_beside_its_version(s3, challenger):
    challenge(s3, "8", base=9.5)
    first, second = challenger.shadows(HOMES)
    assert (first.version, second.version) == ("8", "8")
    assert first.predicted_price == pytest.approx(champions.price("Buritis", 80.0, base=9.5), rel=1e-5)


def test_without_a_challenger_there_is_no_shadow_and_nothing_to_report(challenger, clock):
    assert challenger.shadows(HOMES) == [None, None]
    assert challenger.dropped is None


def test_a_challenger_that_is_withdrawn_casts_no_shadow_any_more(s3, challenger, clock):
    challenge(s3, "8")
    assert challenger.shadows(HOMES)[0]
    s3.delete_object(Bucket=MODELS, Key=CHALLENGER_KEY)
    clock.sleep(11)
    assert challenger.shadows(HOMES) == [None, None]
    assert challenger.dropped is None


def test_a_new_challenger_is_seen_at_the_next_poll_and_not_before(s3, challenger, clock):
    challenge(s3, "8")
    clock.sleep(0.1)
    assert challenger.shadows(HOMES)[0].version == "8"
    challenge(s3, "9")
    clock.sleep(9.9)
    assert challenger.shadows(HOMES)[0].version == "8"
    clock.sleep(0.2)
    assert challenger.shadows(HOMES)[0].version == "9"


def test_a_challenger_that_does_not_load_is_dropped_with_the_reason(s3, challenger):
    challenge(s3, "8")
    s3.put_object(Bucket=MODELS, Key=manifest_key("8"), Body=b"{}")
    assert challenger.shadows(HOMES) == [None, None]
    assert "ContractMismatch" in challenger.dropped


@pytest.mark.parametrize("body", [b'{"version":"8\xfc"}', b'{"x":' + b"[" * 100_000, b""])
def test_a_pointer_that_nobody_can_read_is_told_and_stops_nobody(s3, challenger, body):
    s3.put_object(Bucket=MODELS, Key=CHALLENGER_KEY, Body=body)
    assert challenger.shadows(HOMES) == [None, None]
    assert challenger.dropped


def test_a_challenger_that_loads_slowly_costs_a_batch_its_patience_and_gives_way_to_the_next(s3, clock):
    tiny, pool = slow("8"), Watched()
    challenger = Challenger(s3, MODELS, clock=clock, pool=pool)
    tiny.put(s3, MODELS)
    s3.put_object(Bucket=MODELS, Key=CHALLENGER_KEY, Body=tiny.pointer)
    assert challenger.shadows(HOMES) == [None, None]
    assert pool.waits == [LOOK_WAIT]
    assert challenger.dropped == "what house-price/challenger.json names is still being loaded"
    while "still" in challenger.dropped:
        time.sleep(0.05)
        assert challenger.shadows(HOMES) == [None, None]
    assert "TooSlow" in challenger.dropped
    challenge(s3, "9")
    clock.sleep(11)
    assert challenger.shadows(HOMES)[0].version == "9"


def test_what_a_challenger_that_is_slow_is_at_is_ended(s3, clock):
    tiny, pool = slow("8", turns=200), Watched()
    tiny.put(s3, MODELS)
    s3.put_object(Bucket=MODELS, Key=CHALLENGER_KEY, Body=tiny.pointer)
    challenger = Challenger(s3, MODELS, clock=clock, pool=pool)
    assert challenger.shadows(HOMES[:1])[0].version == "8"
    many = HOMES * 50_000
    assert challenger.shadows(many) == [None] * len(many)
    assert "TimeoutError" in challenger.dropped
    with pytest.raises(Exception, match="terminate flag"):
        pool.last.result(timeout=2)


def crash(*_):
    raise RuntimeError("no memory left")


def dawdle(*_):
    time.sleep(LOOK_WAIT + 0.5)


@pytest.mark.parametrize(("misbehave", "reason"), [(crash, "no memory left"), (dawdle, "TimeoutError")])
def test_a_challenger_that_fails_or_is_slow_is_dropped_until_there_is_another(
    s3, challenger, clock, misbehave, reason, monkeypatch
):
    challenge(s3, "8")
    assert challenger.shadows(HOMES)[0].version == "8"
    model = challenger._pointed.model
    monkeypatch.setattr(model, "predict", misbehave)
    assert challenger.shadows(HOMES) == [None, None]
    assert reason in challenger.dropped
    monkeypatch.undo()
    assert challenger.shadows(HOMES) == [None, None]  # it had its chance
    challenge(s3, "9")
    clock.sleep(11)
    assert challenger.shadows(HOMES)[0].version == "9"
    assert challenger.dropped is None


class RefusingS3:
    """An S3 that refuses some reads of the challenger's pointer."""

    def __init__(self, s3):
        self._s3, self.refuses = s3, False

    def get_object(self, **request):
        if self.refuses and request["Key"] == CHALLENGER_KEY:
            raise client_error("SlowDown", 503)
        return self._s3.get_object(**request)

    def __getattr__(self, name):
        return getattr(self._s3, name)


def test_one_refused_poll_does_not_silence_a_healthy_challenger(s3, clock):
    challenge(s3, "8")
    refusing = RefusingS3(s3)
    challenger = Challenger(refusing, MODELS, clock=clock)
    assert challenger.shadows(HOMES)[0].version == "8"
    refusing.refuses = True
    clock.sleep(11)
    assert challenger.shadows(HOMES)[0].version == "8"
    assert challenger.dropped is None


def test_a_challenger_that_failed_is_blamed_for_that_and_not_for_a_refused_poll_since(s3, clock, monkeypatch):
    challenge(s3, "8")
    refusing = RefusingS3(s3)
    challenger = Challenger(refusing, MODELS, clock=clock)
    assert challenger.shadows(HOMES)[0].version == "8"
    monkeypatch.setattr(challenger._pointed.model, "predict", crash)
    assert challenger.shadows(HOMES) == [None, None]
    refusing.refuses = True
    clock.sleep(11)
    assert challenger.shadows(HOMES) == [None, None]
    assert "no memory left" in challenger.dropped
