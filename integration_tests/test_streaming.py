"""The main job: listings in, prices out, nothing lost, whatever stands on the stream."""

import csv
import json
import math
import os
from pathlib import Path

import pytest

from integration_tests.cloud import until
from tests.events import payload

WRONG = {
    "not JSON": (b"not json", "invalid_json", "not JSON"),
    "a megabyte of zeros": (b"\x00" * 1_000_000, "invalid_json", "not JSON"),
    "wrong UTF-8": (payload("bad-utf8").replace(b"Buritis", b"Buriti\xff"), "invalid_json", "not UTF-8"),
    "NaN": (payload("bad-nan", area_m2=float("nan")), "invalid_json", "NaN"),
    "deep nesting": (b"[" * 100_000, "invalid_json", "nested too deeply"),
    "no event": (b'{"hello": "world"}', "invalid_event", "specversion: required"),
    "a list": (b"[1, 2, 3]", "invalid_event", "event: expected an object, got a list"),
    "no neighbourhood": (payload("bad-1", neighborhood=None), "invalid_listing", "neighborhood: required"),
    "a negative area": (
        payload("bad-2", area_m2=-3),
        "invalid_listing",
        "area_m2: expected a number > 0, got -3",
    ),
    "a billion square metres": (payload("bad-3", area_m2=10**9), "invalid_listing", "got 1000000000"),
    "rooms as text": (
        payload("bad-4", rooms="3"),
        "invalid_listing",
        'rooms: expected a number or null, got "3"',
    ),
}
UNUSUAL = {
    "odd-unseen": {"neighborhood": "Bairro Que Ninguém Viu"},
    "odd-nowhere": {"latitude": None, "longitude": None},
    "odd-large": {"rooms": 12, "area_m2": 900},
    "odd-bare": dict.fromkeys(("city", "address", "rooms", "garage_places", "adm_fees", "latitude", "longitude")),
}


def test_bad_records_are_dead_letters_and_the_good_ones_around_them_are_priced(cloud):
    good = [payload(f"good-{n}") for n in range(len(WRONG))]
    bad = [data for data, _, _ in WRONG.values()]
    cloud.put(*[each for pair in zip(good, bad, strict=True) for each in pair])
    until(lambda: len(cloud.predictions("good-")) == len(good), "every good record has a price")
    letters = until(
        lambda: (found := {each["payload"]: each for each in cloud.dead_letters()}).keys() >= set(bad) and found,
        "every bad record is a dead letter",
    )
    for name, (data, reason, error) in WRONG.items():
        assert letters[data]["reason"] == reason, name
        assert error in letters[data]["error"], name
    assert cloud.predictions("bad-") == {}


def test_unusual_but_valid_listings_are_priced(cloud):
    cloud.put(*[payload(name, **changes) for name, changes in UNUSUAL.items()])
    priced = until(lambda: (found := cloud.predictions("odd-")).keys() == UNUSUAL.keys() and found, "all are priced")
    for event in priced.values():
        interval = event["data"]["interval"]
        assert 0 < interval["low"] < event["data"]["predicted_price"] < interval["high"]


@pytest.fixture
def listings(cloud) -> Path:
    """A file of 300 listings with ids of their own."""
    path = cloud.folder / "listings.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["listing_id", "square-foot", "rooms", "neighborhood", "adm-fees", "garage-places"])
        for n in range(300):
            writer.writerow([f"file-{n}", f"{40 + n}", "--" if n % 7 == 0 else "2-3", " Savassi", "", n % 4])
    return path


def test_what_is_published_comes_back_at_the_price_that_batch_scoring_gives_and_for_the_reasons_that_are_told(
    cloud, listings
):
    summary = json.loads(cloud.belo("publish", str(listings), "--json").stdout)
    assert (summary["published"], summary["failed"], summary["invalid"]) == (300, 0, 0)
    priced = until(lambda: len(found := cloud.predictions("file-")) == 300 and found, "every listing has a price")
    cloud.belo("score", str(listings), "-o", str(cloud.folder / "scored.csv"))
    with (cloud.folder / "scored.csv").open(encoding="utf-8") as file:
        scored = {row["listing_id"]: row for row in csv.DictReader(file)}
    for listing_id, event in priced.items():
        for name, value in (
            ("predicted_price", event["data"]["predicted_price"]),
            ("low", event["data"]["interval"]["low"]),
            ("high", event["data"]["interval"]["high"]),
        ):
            assert float(scored[listing_id][name]) == pytest.approx(value, rel=2e-6)
        assert scored[listing_id]["confidence"] == event["data"]["confidence"]

    cloud.belo("explain", str(listings), "-o", str(cloud.folder / "why.jsonl"))
    for line in (cloud.folder / "why.jsonl").read_text(encoding="utf-8").splitlines():
        why = json.loads(line)
        event = priced[why["listing_id"]]
        assert why["predicted_price"] == pytest.approx(event["data"]["predicted_price"], rel=2e-6)
        factors = why["against_city"]["factors"].values()
        assert why["against_city"]["typical_price"] * math.prod(factors) == pytest.approx(
            why["predicted_price"], rel=1e-6
        )
        assert len(why["comparables"]) == 5


def test_a_consumer_sees_each_prediction_once(cloud, listings):
    cloud.belo("publish", str(listings))
    cloud.belo("publish", str(listings))  # the same rows again: the same events
    until(lambda: len(cloud.predictions("file-")) == 300, "every listing has a price")
    consumed = cloud.belo("consume", "--from", "trim-horizon", "--format", "jsonl", "--idle-timeout", "2").stdout
    ids = [json.loads(line)["id"] for line in consumed.splitlines()]
    assert len(ids) == len(set(ids))
    subjects = {json.loads(line)["subject"] for line in consumed.splitlines()}
    assert {f"file-{n}" for n in range(300)} <= subjects


@pytest.mark.skipif(
    not os.environ.get("DATA"), reason="DATA names no file: the real listings are not in the repository"
)
def test_with_the_real_listings_the_books_balance(cloud, emulator):
    rows = ["--sample", "1000"] if emulator == "localstack" else []  # it takes 500 records a second
    few = ["--max-invalid", "50"]  # name no neighbourhood, or no area
    summary = json.loads(cloud.belo("publish", os.environ["DATA"], "--json", *few, *rows).stdout)
    assert summary["failed"] == 0
    published = summary["published"]
    assert published > 900
    until(lambda: len(cloud.predictions("L-")) == published, f"{published} listings have a price each")
