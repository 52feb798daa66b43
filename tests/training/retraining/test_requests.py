import json
from datetime import UTC, datetime

import pytest

from lambdas.archive_bucket.sales import FreshFrom
from terminal.errors import Failure
from training.retraining.requests import InvalidRequest, ask, decode


def event(source, detail_type, detail, **changes):
    body = {
        "version": "0",
        "id": "b5e1",
        "source": source,
        "detail-type": detail_type,
        "time": "2026-11-24T12:00:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail": detail,
    }
    return json.dumps(body | changes)


def test_an_alarm_says_from_which_sale_on_prices_are_new():
    detail = {
        "id": "3f2a",
        "kind": "performance",
        "champion": "7",
        "promoted_at": "2026-09-01T00:00:00+00:00",
        "at": "2026-11-24T12:00:00+00:00",
        "summary": "sales go for 16 % more",
        "moved": [{"sales": 200, "looks": 3, "limit": 3.4, "segment": 60, "rang_after_sales": 190}],
        "fresh": {"listing_id": "L-130", "reported_at": "2026-10-02T00:00:00+00:00"},
    }
    request = decode(event("belo.monitor", "DriftDetected", detail))
    assert (request.id, request.kind, request.champion, request.drift) == ("3f2a", "drift", "7", "3f2a")
    assert request.fresh == FreshFrom("L-130", datetime(2026, 10, 2, tzinfo=UTC))
    assert request.reason == "sales go for 16 % more"


def test_an_alarm_about_listings_says_nothing_of_sales():
    detail = {
        "id": "3f2a",
        "champion": "7",
        "promoted_at": "2026-09-01T00:00:00+00:00",
        "at": "2026-11-24T12:00:00+00:00",
        "summary": "",
        "moved": [{"name": "area_m2", "test": "psi", "value": 0.3, "reference": 0.0, "alpha": 0.001, "rang": True}],
        "fresh": None,
    }
    assert decode(event("belo.monitor", "DriftDetected", detail)).fresh is None


def test_a_repeated_delivery_of_the_schedule_is_the_same_request():
    ids = {decode(event("aws.events", "Scheduled Event", {}, id=name)).id for name in ("one", "another")}
    assert ids == {"schedule-20261124T120000Z"}


@pytest.mark.parametrize(
    "body",
    [
        "not JSON",
        "{}",
        event("aws.s3", "Object Created", {}),
        event("belo.monitor", "DriftDetected", {"id": "3f2a"}),
        event("belo.cli", "RetrainingRequested", {"id": "../champion", "reason": "mischief"}),
        event("belo.cli", "RetrainingRequested", {"id": "x" * 101, "reason": ""}),
        event("belo.cli", "RetrainingRequested", {"id": "manual-1", "reason": ""}, time="yesterday"),
        "\udcff",
    ],
)
def test_what_asks_for_nothing_that_we_know_is_refused(body):
    with pytest.raises(InvalidRequest):
        decode(body)


class Bus:
    def __init__(self, failed=0):
        self.failed, self.entries = failed, []

    def put_events(self, *, Entries):  # noqa: N803
        self.entries += Entries
        return {"FailedEntryCount": self.failed, "Entries": [{"ErrorMessage": "too fast"}]}


def test_what_a_person_asks_for_comes_out_of_the_queue_as_it_was_asked():
    bus = Bus()
    request_id = ask(bus, "default", "archive", "new data of the registry office")
    (entry,) = bus.entries
    assert entry["Resources"] == ["arn:aws:s3:::archive"]
    request = decode(event(entry["Source"], entry["DetailType"], json.loads(entry["Detail"])))
    assert (request.id, request.kind, request.reason) == (request_id, "manual", "new data of the registry office")


def test_a_bus_that_does_not_take_a_request_is_a_failure():
    with pytest.raises(Failure, match="too fast"):
        ask(Bus(failed=1), "default", "archive", "")
