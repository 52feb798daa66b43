"""The loop closes: an alarm on the event bus, delivered twice, a worker that is killed, one promotion."""

import json
import os
import signal
import subprocess
import uuid
from datetime import UTC, datetime

import numpy as np
import pytest

from belo import bundle
from belo.demo.drift_loop import BEGINNING, END
from belo.local_cloud import provision
from integration_tests.cloud import BELO, Cloud, until
from lambdas.archive_bucket.reader import Archive

pytestmark = pytest.mark.slow

HOMES = 120
SILENCE = 5  # seconds until a killed worker's request comes again


@pytest.fixture(scope="module")
def cloud(cloud, endpoint, emulator, workdir):
    """The stack, with the queues that other tests do not wait for."""
    variables = {"champion_poll_seconds": 2, "retraining": True, "retraining_silence_seconds": SILENCE}
    bundled = bundle.build(provision.target(endpoint, emulator))
    stack = provision.provision(endpoint, emulator, bundled, workdir, variables)
    return Cloud(stack, cloud.env | stack.environment(), cloud.folder)


@pytest.fixture
def worker(emulator, request) -> dict[str, str]:
    """The environment of a worker that may do what its policy says and no more, where the cloud enforces that."""
    return request.getfixturevalue("somebody")("train-worker").environment if emulator == "ministack" else {}


@pytest.fixture
def sold(cloud, tmp_path):
    """Homes priced on the stream and then sold for a quarter more than was said."""
    run = uuid.uuid4().hex[:8]
    draw = np.random.default_rng(1)
    names = ["Buritis", "Savassi", "Lourdes", "Centro", "Castelo"]
    listings = [
        {
            "listing_id": f"{run}-{n}",
            "neighborhood": names[n % len(names)],
            "area_m2": float(area),
            "rooms": 3,
            "garage_places": 1,
        }
        for n, area in enumerate(draw.uniform(60, 160, HOMES).round())
    ]
    (tmp_path / "listings.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in listings))
    cloud.belo("publish", str(tmp_path / "listings.jsonl"), "--json")
    said = until(lambda: (found := cloud.predictions(run)) and len(found) == HOMES and found, "predictions")
    sales = [
        {
            "listing_id": each,
            "sale_price": event["data"]["predicted_price"] * 1.25 * float(np.exp(draw.normal(0, 0.1))),
            "sold_at": "2026-11-24T12:00:00Z",
        }
        for each, event in said.items()
    ]
    (tmp_path / "sales.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in sales))
    until(lambda: archived(cloud, run) == HOMES, "predictions in the archive")
    cloud.belo("report-sales", str(tmp_path / "sales.jsonl"))
    return run


def test_an_alarm_delivered_twice_and_a_killed_worker_make_one_promotion(cloud, sold, worker):
    before = pointer(cloud)
    drift = ring(cloud, before)
    ring(cloud, before, drift)
    until(lambda: waiting(cloud) == 2, "the alarm on the queue, twice")
    killed = subprocess.Popen([BELO, "train-worker"], env=cloud.env | worker, stderr=subprocess.PIPE)
    until(lambda: cloud.keys(cloud.stack.archive_bucket, f"retraining/data/{drift}"), "the training to begin")
    os.kill(killed.pid, signal.SIGKILL)
    assert killed.wait(10) == -signal.SIGKILL
    assert pointer(cloud) == before
    until(lambda: cloud.belo("train-worker", "--once", **worker) and waiting(cloud) == 0, "another worker to finish")
    (record,) = [each for each in history(cloud) if each["id"] == drift]
    assert (record["verdict"], record["promoted_by"]) == ("promoted", "auto")
    after = pointer(cloud)
    assert (after["version"], after["previous"]) == (record["version"], before["version"])
    models = json.loads(cloud.belo("models", "--json").stdout)
    assert [each["version"] for each in models["versions"] if each["tags"].get("retraining") == drift] == [
        record["version"]
    ]
    assert models["disagreement"] is None
    assert served(cloud) == record["version"]
    cloud.belo("rollback")


def test_a_person_asks_and_the_history_says_what_came_of_it(cloud, sold, worker):
    asked = json.loads(cloud.belo("retrain", "--reason", "a new quarter", "--json").stdout)["id"]
    until(lambda: waiting(cloud) == 1, "the request on the queue")
    cloud.belo("train-worker", "--once", BELO_PROMOTION_POLICY="manual", **worker)
    (record,) = [each for each in history(cloud) if each["id"] == asked]
    assert (record["asked"], record["verdict"]) == ("a new quarter", "awaiting a person")
    assert waiting(cloud) == 0
    assert "a new quarter" in cloud.belo("history").stdout


def test_without_a_request_a_worker_that_works_once_ends(cloud, worker):
    assert "no request waits" in cloud.belo("train-worker", "--once", **worker).stderr


def ring(cloud, champion, event_id=None):
    """Put the monitor's alarm on the bus; return its id."""
    event_id = event_id or uuid.uuid4().hex
    detail = {
        "id": event_id,
        "kind": "performance",
        "champion": champion["version"],
        "promoted_at": champion["promoted_at"],
        "at": datetime.now(UTC).isoformat(),
        "summary": "sales go for 25 % more",
        "moved": [],
        "fresh": None,
    }
    entry = {
        "Source": "belo.monitor",
        "DetailType": "DriftDetected",
        "Resources": [f"arn:aws:s3:::{cloud.stack.archive_bucket}"],
        "Detail": json.dumps(detail),
    }
    assert cloud.stack.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0
    return event_id


def queue(cloud):
    sqs = cloud.stack.client("sqs")
    return sqs, sqs.get_queue_url(QueueName=cloud.stack.retraining_queue)["QueueUrl"]


def waiting(cloud):
    sqs, url = queue(cloud)
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


def pointer(cloud):
    body = cloud.s3.get_object(Bucket=cloud.stack.models_bucket, Key="house-price/champion.json")["Body"].read()
    return json.loads(body)


def history(cloud):
    return json.loads(cloud.belo("history", "--json").stdout)


def served(cloud):
    """Return the version that prices a listing of now, once the function has noticed."""
    want = pointer(cloud)["version"]

    def version():
        name = f"served-{uuid.uuid4().hex}"
        event = {
            "specversion": "1.0",
            "id": name,
            "source": "/test",
            "type": "listing.submitted",
            "data": {"listing_id": name, "neighborhood": "Savassi", "area_m2": 90.0},
        }
        cloud.put(json.dumps(event).encode())
        found = until(lambda: cloud.predictions(name), "a prediction")[name]["data"]["model"]["version"]
        return found if found == want else None

    return until(version, f"version {want} to serve")


def archived(cloud, run):
    archive = Archive(cloud.s3, cloud.stack.archive_bucket)
    return len(archive.predictions(BEGINNING, END, lambda row: row.listing_id.startswith(run)))
