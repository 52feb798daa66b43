"""The commands of docs/runbook.md, taken from the page and tried on a running stack."""

import json
import re
import shlex
import uuid
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from belo.demo.drift_loop import BEGINNING, END
from integration_tests.cloud import Cloud, until
from lambdas.archive_bucket.reader import Archive
from pricing.manifest import CHAMPION_KEY
from tests.events import payload
from tests.test_runbook import OF_ALARMS, PROCEDURES, sections

pytestmark = pytest.mark.slow

HOMES = 20
# What is not tried, by how it begins, and why.
UNTRIED = {
    "terraform -chdir=infra/environments/prod ": "it speaks to AWS, and to a state in S3",
    "export ": "the stack of the tests is in the environment already",
    "make rollback-code": "it wants a release before it, and would move the code that the other tests run",
    "make smoke": "it follows a release",
}
COMMANDS = {section.heading: section.commands for section in sections()}


@dataclass
class Incident:
    """A stack on which something has happened: some homes priced, one sold for far too much, one record refused."""

    cloud: Cloud
    folder: Path
    run: str
    began: datetime
    filled: dict[str, str]  # placeholders of the page
    tried: set[str] = field(default_factory=set)

    def follow(self, heading: str) -> list[str]:
        """Type the commands of a section, one after the other; return what each printed."""
        return [self.type(line) for line in COMMANDS[heading] if not untried(line)]

    def type(self, line: str) -> str:
        """Type a command of the page, placeholders filled in; return its standard output."""
        values = self.filled | {"UNTIL": datetime.now(UTC).isoformat()}
        self.tried.add(line)
        name, *words = [re.sub(r"[A-Z_]{4,}", lambda found: values[found[0]], word) for word in shlex.split(line)]
        assert name == "belo"
        return self.cloud.belo(*words, BELO_RETRAINING_QUEUE=self.filled["QUEUE"]).stdout


def untried(line: str) -> bool:
    return line.startswith(tuple(UNTRIED))


def pointer(cloud: Cloud) -> dict[str, str]:
    return json.loads(cloud.s3.get_object(Bucket=cloud.stack.models_bucket, Key=CHAMPION_KEY)["Body"].read())


@pytest.fixture(scope="module")
def champion(cloud) -> Iterator[bytes]:
    """The champion pointer, put back when all has been tried."""
    bucket = cloud.stack.models_bucket
    before = cloud.s3.get_object(Bucket=bucket, Key=CHAMPION_KEY)["Body"].read()
    yield before
    cloud.s3.put_object(Bucket=bucket, Key=CHAMPION_KEY, Body=before)


@pytest.fixture(scope="module")
def incident(cloud, champion, tmp_path_factory) -> Iterator[Incident]:
    folder, run, began = tmp_path_factory.mktemp("runbook"), f"runbook-{uuid.uuid4().hex[:8]}", datetime.now(UTC)
    homes = [f"{run}-{n},Buritis,{60 + 5 * n},3" for n in range(HOMES)]
    (folder / "listings.csv").write_text("\n".join(["listing_id,neighborhood,area_m2,rooms", *homes]))
    (folder / "sales.csv").write_text(f"listing_id,sale_price,sold_at\n{run}-0,90000000,{began:%Y-%m-%d}\n")
    sqs = cloud.stack.client("sqs")
    queue = sqs.create_queue(QueueName=run)["QueueUrl"]
    filled = {
        "LISTINGS": str(folder / "listings"),
        "SALES": str(folder / "sales"),
        "PRICES": str(folder / "prices"),
        "REPORT": str(folder / "report"),
        "LISTING_ID": f"{run}-0",
        "VERSION": "1",
        "PREVIOUS": "2",
        "TIME": began.isoformat(),
        "FROM": (began - timedelta(minutes=1)).isoformat(),
        "QUEUE": run,
    }
    cloud.put(payload(f"{run}-refused", area_m2=-3))
    cloud.belo("publish", str(folder / "listings.csv"))
    found = Incident(cloud, folder, run, began, filled)
    until(lambda: len(cloud.predictions(run)) == HOMES, "every home has a price")
    until(lambda: len(archived(found)) == HOMES, "every price is archived")
    cloud.belo("report-sales", str(folder / "sales.csv"))
    yield found
    sqs.delete_queue(QueueUrl=queue)


def archived(incident: Incident) -> list[object]:
    archive = Archive(incident.cloud.s3, incident.cloud.stack.archive_bucket)
    return archive.predictions(BEGINNING, END, lambda row: row.listing_id.startswith(incident.run))


def replay_a_day(incident: Incident) -> None:
    incident.follow("Replay a day")
    lines = (incident.folder / "prices.jsonl").read_text().splitlines()
    assert {f"{incident.run}-{n}" for n in range(HOMES)} <= {json.loads(line)["subject"] for line in lines}


def roll_back_a_model(incident: Incident) -> None:
    incident.cloud.belo("promote", "2")
    rollback, *rest = COMMANDS["Roll back a model"]
    incident.type(rollback)
    assert (pointer(incident.cloud)["version"], pointer(incident.cloud)["previous"]) == ("1", "2")
    for line in rest:
        incident.type(line)
    assert pointer(incident.cloud)["version"] == "1"


def restore_the_models_bucket(incident: Incident) -> None:
    cloud, bucket = incident.cloud, incident.cloud.stack.models_bucket

    def stored() -> dict[str, bytes]:
        keys = [*cloud.keys(bucket, "house-price/versions/1/"), *cloud.keys(bucket, "house-price/versions/2/")]
        return {key: cloud.s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    before = stored()
    for key in cloud.keys(bucket, "house-price/"):
        cloud.s3.delete_object(Bucket=bucket, Key=key)
    assert stored() == {}
    *_, agreed, price = incident.follow("Restore the models bucket")
    assert before.items() <= stored().items()
    assert (pointer(cloud)["version"], pointer(cloud)["previous"]) == ("1", "2")
    assert "of another registry" not in agreed
    assert price


def take_in_parked_batches(incident: Incident) -> None:
    cloud, name = incident.cloud, f"{incident.run}-parked"
    stream = cloud.kinesis.describe_stream_summary(StreamName=cloud.stack.listings_stream)["StreamDescriptionSummary"]
    record = {
        "eventID": f"shardId-000000000000:{uuid.uuid4().int}",
        "eventSourceARN": stream["StreamARN"],
        "kinesis": {
            "partitionKey": name,
            "data": b64encode(payload(name)).decode(),
            "approximateArrivalTimestamp": datetime.now(UTC).timestamp(),
        },
    }
    key = f"aws/lambda/{uuid.uuid4()}/shardId-000000000000/2026/11/23/batch"
    body = json.dumps({"payload": json.dumps({"Records": [record]})})
    cloud.s3.put_object(Bucket=cloud.stack.dead_letters_bucket, Key=key, Body=body)
    promised, sent, left, _ = incident.follow("Take in parked batches")
    assert "1 parked" in promised
    assert "1 parked" in sent
    assert left.startswith("0 letters")
    until(lambda: cloud.predictions(name), "the listing of the parked batch has a price")


PROVEN: dict[str, Callable[[Incident], None]] = {  # of those that promise something
    "Replay a day": replay_a_day,
    "Roll back a model": roll_back_a_model,
    "Restore the models bucket": restore_the_models_bucket,
    "Take in parked batches": take_in_parked_batches,
}


def test_what_is_not_tried_is_there_and_no_more_than_is_said():
    lines = [line for section in sections() for line in section.commands]
    assert PROVEN.keys() <= {section.heading for section in PROCEDURES}
    assert {start for start in UNTRIED if not any(line.startswith(start) for line in lines)} == set()
    assert {line for line in lines if not line.startswith("belo ") and not untried(line)} == set()


@pytest.mark.parametrize("section", PROCEDURES, ids=lambda each: each.heading)
def test_a_procedure_does_what_it_promises(incident, section):
    if prove := PROVEN.get(section.heading):
        prove(incident)
    else:
        incident.follow(section.heading)


@pytest.mark.parametrize("section", OF_ALARMS, ids=lambda each: each.heading)
def test_the_commands_of_an_alarm_work(incident, section):
    """Those that an alarm shares with a procedure, or with another alarm, have been tried."""
    for line in section.commands:
        if not untried(line) and line not in incident.tried:
            incident.type(line)
