import pytest

from pricing.prediction import decode, prediction_id
from tests.stream_consumer.predictions import payload


def test_the_id_depends_on_source_and_id_alone():
    assert prediction_id("/marketplace", "5f0c") == prediction_id("/marketplace", "5f0c")
    assert len(prediction_id("/marketplace", "5f0c")) == 32


def test_source_and_id_do_not_run_into_each_other():
    ids = {
        prediction_id("ab", "c"),
        prediction_id("a", "bc"),
        prediction_id("", "abc"),
        prediction_id("1:a", "b"),
    }
    assert len(ids) == 4


def test_the_id_is_what_consumers_have_always_seen():
    # Consumers drop repeats by id across releases: the hash must never change.
    assert prediction_id("/marketplace", "5f0c") == "c42d3d7ccb2fcecd9767095643f22fbe"


def test_bytes_that_are_not_utf8_are_no_prediction_wherever_they_stand():
    assert decode(payload(1)[:-1] + ',"note":"São"}'.encode()) == decode(payload(1))
    with pytest.raises(ValueError, match="utf-8"):
        decode(payload(1)[:-1] + ',"note":"São"}'.encode("latin-1"))
