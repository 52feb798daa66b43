"""Is this stack alive? Everything that it does, tried once, on the stack itself: `make smoke`.

Ten listings are priced on the stream, one record is refused, a parked batch is redriven and priced, one listing is
priced by POST /price, the monitor looks once, with an SDK that knows conditional writes. With --retraining a request
reaches the queue, and the worker takes it up. Ids begin with smoke-, so that `belo forget` can find them. Exit
code 1 at the first that fails.
"""

import argparse
import gzip
import json
import os
import time
import uuid
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.config import Config

from belo.release import LIVE, functions_of
from belo.score.ask import ask
from pricing.dead_letter_layout import DEAD_LETTERS, PARKED
from pricing.listing import Listing, ListingEvent, encode, partition_key
from stream_consumer.consumer import Consumer
from stream_consumer.positions import ShardPosition
from stream_producer.dead_letters_bucket.letters import PARKED_REASON
from stream_producer.dead_letters_bucket.objects import LetterObjects
from stream_producer.dead_letters_bucket.redrive import Choice, Redrive
from stream_producer.publisher import Publisher
from terminal.display import say
from terminal.errors import Failure
from terminal.signals import ended_by_signals
from terminal.stack import Stack
from training.retraining.requests import ask as ask_for_retraining

LISTINGS = 10
OLDEST_SDK = (1, 35, 69)  # of botocore: the first with IfMatch and IfNoneMatch on PutObject
PATIENCE = 120.0  # seconds; a cold start and a first look at the champion are in it
RETRAINING_PATIENCE = 1800.0  # a task that starts, and a training
HOME: dict[str, Any] = {"neighborhood": "Buritis", "area_m2": 102.0, "rooms": 3}


def main() -> None:
    """Try the stack that the environment names."""
    options = argparse.ArgumentParser(
        prog="python -m belo.smoke", description="Try everything that a stack does, once."
    )
    options.add_argument("--retraining", action="store_true", help="ask for a retraining, too, and wait for the worker")
    retraining = options.parse_args().retraining
    try:
        with ended_by_signals("smoke"):
            stack = Stack.find(os.environ)
            say(f"trying the stack at {stack.place(stack.listings_stream)}")
            smoke(stack)
            if retraining:
                _retrained(stack)
            say("the stack is alive")
    except Failure as failure:
        failure.exit("smoke")


def smoke(stack: Stack, say: Callable[[str], object] = say) -> None:
    """Try everything once; raises `Failure` naming what does not work."""
    mark = f"smoke-{uuid.uuid4().hex[:12]}"
    began = datetime.now(UTC) - timedelta(seconds=5)
    say(f"{LISTINGS} listings are priced: p95 {_priced(stack, mark, began):.0f} ms after they were sent")
    say(f"a record that is no event is a dead letter: {_refused(stack, mark, began)}")
    say(f"a parked batch is redriven and priced: {_redriven(stack, mark, began)}")
    if stack.price_url:
        answer = ask(stack, stack.price_url, HOME | {"listing_id": mark}, explain=True)
        price, version = f"{answer.predicted_price:,.0f} {answer.currency}", answer.model.version
        say(f"POST /price says {price} (version {version}), and why")
    looked = _looked(stack)
    say(f"the monitor looks: champion {looked['champion']}, SDK {looked['sdk']}")


def _priced(stack: Stack, mark: str, began: datetime) -> float:
    """Publish listings and wait for their prices; return the 95th percentile of the time between, in milliseconds."""
    names = [f"{mark}-{number}" for number in range(LISTINGS)]
    records = [{"PartitionKey": partition_key(name), "Data": _event(name)} for name in names]
    kinesis, sent = stack.client("kinesis"), datetime.now(UTC)
    if kinesis.put_records(StreamName=stack.listings_stream, Records=records)["FailedRecordCount"]:
        raise Failure(f"{stack.listings_stream}: not all of {LISTINGS} listings were taken")
    waits = [(arrived - sent).total_seconds() * 1000 for arrived in _arrivals(stack, names, began).values()]
    return sorted(waits)[round(0.95 * LISTINGS) - 1]


def _event(name: str) -> bytes:
    listing = Listing(listing_id=name, **HOME)
    event = ListingEvent(specversion="1.0", id=name, source="/belo/smoke", type="listing.submitted", data=listing)
    return encode(event)


def _arrivals(stack: Stack, names: list[str], began: datetime) -> dict[str, datetime]:
    """Wait for the prices of listings; return when each came."""
    found: dict[str, datetime] = {}
    consumer = Consumer(stack.client("kinesis"), stack.predictions_stream, start=ShardPosition(at=began))
    for batch in consumer.batches(until=datetime.now(UTC) + timedelta(seconds=PATIENCE)):
        found |= {each.event.subject: each.at for each in batch if each.event.subject in names}
        if len(found) == len(names):
            return found
    raise Failure(f"{len(names) - len(found)} of {len(names)} listings have no price after {PATIENCE:.0f} s")


def _refused(stack: Stack, mark: str, began: datetime) -> str:
    """Publish a record that is no event and wait for its dead letter; return the key of that."""
    payload = f"{mark}: no event".encode()
    put = stack.client("kinesis").put_record(StreamName=stack.listings_stream, Data=payload, PartitionKey=mark)
    s3, until = stack.client("s3"), time.monotonic() + PATIENCE
    days = {f"{DEAD_LETTERS}/dt={day:%Y-%m-%d}/" for day in (began, began + timedelta(minutes=5))}
    shard, number = put["ShardId"], int(put["SequenceNumber"])
    while time.monotonic() < until:
        for day in days:
            for page in s3.get_paginator("list_objects_v2").paginate(
                Bucket=stack.dead_letters_bucket, Prefix=f"{day}{shard}-"
            ):
                for each in page.get("Contents", []):
                    first = int(each["Key"].rpartition("-")[2].partition(".")[0])
                    if first <= number and _holds(s3, stack.dead_letters_bucket, each["Key"], put["SequenceNumber"]):
                        return str(each["Key"])
        time.sleep(1)
    raise Failure(f"a record that is no event has no dead letter after {PATIENCE:.0f} s")


def _redriven(stack: Stack, mark: str, began: datetime) -> str:
    """Park a batch of one listing as Lambda does, bring it back, and wait for its price; return the batch's key."""
    name, now = f"{mark}-parked", datetime.now(UTC)
    kinesis = {
        "partitionKey": name,
        "sequenceNumber": "0",
        "data": b64encode(_event(name)).decode(),
        "approximateArrivalTimestamp": now.timestamp(),
    }
    source = f"arn:aws:kinesis:{stack.region}:000000000000:stream/{stack.listings_stream}"
    batch = {"Records": [{"eventID": f"shardId-000000000000:{mark}", "eventSourceARN": source, "kinesis": kinesis}]}
    key = f"{PARKED}/smoke/shardId-000000000000/{now:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{mark}"
    s3 = stack.client("s3")
    s3.put_object(Bucket=stack.dead_letters_bucket, Key=key, Body=json.dumps({"payload": json.dumps(batch)}).encode())
    letters = LetterObjects(s3, stack.dead_letters_bucket, stack.listings_stream)
    publisher = Publisher(stack.client("kinesis"), stack.listings_stream)
    Redrive(letters, publisher, say, Choice(reason=PARKED_REASON)).run([key])
    _arrivals(stack, [name], began)
    return key


def _holds(s3: Any, bucket: str, key: str, sequence_number: str) -> bool:  # noqa: ANN401 - a client
    lines = gzip.decompress(s3.get_object(Bucket=bucket, Key=key)["Body"].read()).splitlines()
    return any(json.loads(line)["sequence_number"] == sequence_number for line in lines)


def _looked(stack: Stack) -> dict[str, Any]:
    (monitor,) = [name for name in functions_of(stack.score_function) if name.endswith("monitor")]
    reply = stack.client("lambda", Config(read_timeout=310)).invoke(FunctionName=monitor, Qualifier=LIVE, Payload=b"{}")
    found: dict[str, Any] = json.loads(reply["Payload"].read())
    if "FunctionError" in reply or "champion" not in found:
        raise Failure(f"the monitor cannot look: {found.get('errorMessage', found)}")
    if tuple(map(int, found["sdk"].split("."))) < OLDEST_SDK:
        raise Failure(f"the functions run on botocore {found['sdk']}, which does not know conditional writes")
    return found


def _retrained(stack: Stack) -> None:
    """Ask for a retraining; wait until the request stands on the queue, and until a worker has dealt with it."""
    if stack.retraining_queue is None:
        raise Failure("--retraining: the stack has no queue for requests")
    request = ask_for_retraining(stack.client("events"), "default", stack.archive_bucket, "smoke")
    sqs = stack.client("sqs")
    url = sqs.get_queue_url(QueueName=stack.retraining_queue)["QueueUrl"]
    _until(lambda: _waiting(sqs, url) > 0, PATIENCE, f"request {request} does not reach {stack.retraining_queue}")
    say(f"request {request} stands on {stack.retraining_queue}")
    _until(lambda: _waiting(sqs, url) == 0, RETRAINING_PATIENCE, f"no worker has dealt with request {request}")
    say("a worker has dealt with it; `belo history` says how")


def _waiting(sqs: Any, url: str) -> int:  # noqa: ANN401 - a client
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    return sum(map(int, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()))


def _until(condition: Callable[[], bool], patience: float, else_: str) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"{else_}, after {patience:.0f} s")
        time.sleep(2)


if __name__ == "__main__":
    main()
