"""What PutRecords costs, beside a body built beforehand; and the whole handler, beside a put_record a record."""

import contextlib
import io
import math
import os
from collections.abc import Callable, Iterator
from statistics import median
from typing import TYPE_CHECKING, Any, cast

import boto3
import msgspec
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from belo.sample_service import Bucket
from benchmarks.speed.measuring import batch, champion_objects, listing_payloads, ratio, side_by_side
from benchmarks.speed.references import loopback
from benchmarks.speed.references.course_lambda import CourseLambda, train
from benchmarks.speed.section import Section
from lambdas.aws.clients import READ_TIMEOUT, kinesis_client
from lambdas.aws.put_records import put_records
from lambdas.score import Scorer
from lambdas.scoring.challenger import Challenger
from lambdas.scoring.champion import Champion
from lambdas.scoring.dead_letters import DeadLetters
from lambdas.scoring.publish import CONNECTIONS, Outgoing, OutputStream, requests

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_s3 import S3Client

RECORDS, ROUNDS = 12_000, 15
COURSE_RECORDS = 100
STREAM = "predictions"
ACCOUNT = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example", "AWS_DEFAULT_REGION": "us-east-1"}
WORDS = {
    "prebuilt": "a body built beforehand, signed, over urllib3",
    "ours": "put_records of the function",
    "unchecked": "boto3, arguments not checked",
    "boto3": "boto3 as it comes",
}


def measure() -> Section:
    """Return the CPU of a record, ours and others'."""
    event = batch(listing_payloads(RECORDS))
    few = {"Records": event["Records"][:COURSE_RECORDS]}
    with loopback.running() as url, _environment(ACCOUNT | {"AWS_ENDPOINT_URL_KINESIS": url}):
        kinesis = kinesis_client(read_timeout=READ_TIMEOUT, connections=CONNECTIONS)
        outgoing = predictions(RECORDS)
        took = side_by_side(_puts(kinesis, url, list(requests(outgoing))), ROUNDS)
        handler = _handler(OutputStream(kinesis, STREAM))
        course = CourseLambda(train(), boto3.client("kinesis"))
        whole = side_by_side({"ours": lambda: handler(event), "course": lambda: course(few)}, 5)
    a_record = {
        "ours": [each / RECORDS for each in whole["ours"]],
        "course": [each / COURSE_RECORDS for each in whole["course"]],
    }
    size = sum(len(each.data) for each in outgoing) / len(outgoing)
    return Section(
        "PutRecords",
        {
            "put_vs_prebuilt": ratio(took["ours"], took["prebuilt"]),
            "put_vs_course_reference": ratio(a_record["course"], a_record["ours"]),
        },
        {
            f"500 predictions of {size:,.0f} bytes a request": [
                {
                    "put by": words,
                    "CPU, µs a record": round(median(took[name]) / RECORDS * 1e6, 2),
                    "over prebuilt": ratio(took[name], took["prebuilt"]),
                }
                for name, words in WORDS.items()
            ],
            "from Lambda's event to answered puts": [
                {"function": name, "CPU, µs a record": round(median(times) * 1e6, 1)}
                for name, times in a_record.items()
            ],
        },
        ("CPU of the client alone; the server is another process on loopback.",),
    )


def _puts(kinesis: "KinesisClient", url: str, split: list[list[Outgoing]]) -> dict[str, Callable[[], object]]:
    entries = [[{"Data": each.data, "PartitionKey": each.partition_key} for each in request] for request in split]
    bodies = [msgspec.json.encode({"StreamName": STREAM, "Records": request}) for request in entries]
    unchecked = boto3.client("kinesis", config=boto3.session.Config(parameter_validation=False))
    checked = boto3.client("kinesis")
    pool = urllib3.PoolManager()

    def ours() -> None:
        for request in split:
            assert put_records(kinesis, STREAM, request) == ([], "")

    def by(client: "KinesisClient") -> Callable[[], object]:
        return lambda: [client.put_records(StreamName=STREAM, Records=request) for request in entries]

    return {
        "prebuilt": lambda: [_put_prebuilt(pool, url, body) for body in bodies],
        "ours": ours,
        "unchecked": by(unchecked),
        "boto3": by(checked),
    }


def _put_prebuilt(pool: urllib3.PoolManager, url: str, body: bytes) -> None:
    headers = {"X-Amz-Target": "Kinesis_20131202.PutRecords", "Content-Type": "application/x-amz-json-1.1"}
    request = AWSRequest("POST", f"{url}/", data=body, headers=headers)
    keys = Credentials(ACCOUNT["AWS_ACCESS_KEY_ID"], ACCOUNT["AWS_SECRET_ACCESS_KEY"])
    SigV4Auth(keys, "kinesis", ACCOUNT["AWS_DEFAULT_REGION"]).add_auth(request)
    answer = pool.urlopen("POST", f"{url}/", body=body, headers=dict(request.headers))
    assert answer.status == 200
    assert answer.data.startswith(b'{"FailedRecordCount":0,')


class _Kept:
    """Stands where the output stream is, and keeps what is published."""

    outgoing: list[Outgoing]

    def publish(self, outgoing: list[Outgoing], _: float) -> list[int]:
        self.outgoing = outgoing
        return []


def predictions(count: int) -> list[Outgoing]:
    """Return what the function publishes for so many listings."""
    kept = _Kept()
    _handler(cast("OutputStream", kept))(batch(listing_payloads(count)))
    return kept.outgoing


def _handler(output: OutputStream) -> Callable[[dict[str, Any]], object]:
    """Return the function with the champion, its log kept from standard output."""
    s3 = cast("S3Client", Bucket(champion_objects()))
    scorer = Scorer(
        Champion(s3, "models", poll_seconds=math.inf),
        output,
        DeadLetters(s3, "dead-letters"),
        challenger=Challenger(s3, "models", poll_seconds=math.inf),
        deadline_margin=15.0,
    )

    def handle(event: dict[str, Any]) -> object:
        with contextlib.redirect_stdout(io.StringIO()):
            answer = scorer(event, _Context())
        assert answer == {"batchItemFailures": []}
        return answer

    return handle


class _Context:
    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
