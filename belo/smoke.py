"""Is this stack alive? Everything that it does, tried once, on the stack itself: `make smoke`.

Ten listings are priced on the stream, one record is refused, one listing is priced by POST /price, the monitor looks
once. Their ids begin with smoke-, so that `belo forget` and people can tell them. Exit code 1 at the first that fails.
"""

import gzip
import json
import os
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.config import Config

from belo.release import LIVE, functions_of
from belo.score.ask import ask
from pricing.dead_letter_layout import DEAD_LETTERS
from pricing.listing import Listing, ListingEvent, encode, partition_key
from stream_consumer.consumer import Consumer
from stream_consumer.positions import ShardPosition
from terminal.display import say
from terminal.errors import Failure
from terminal.signals import ended_by_signals
from terminal.stack import Stack

LISTINGS = 10
PATIENCE = 120.0  # seconds; a cold start and a first look at the champion are in it
HOME: dict[str, Any] = {"neighborhood": "Buritis", "area_m2": 102.0, "rooms": 3}


def main() -> None:
    """Try the stack that the environment names."""
    try:
        with ended_by_signals("smoke"):
            stack = Stack.find(os.environ)
            say(f"trying the stack at {stack.place(stack.listings_stream)}")
            smoke(stack)
            say("the stack is alive")
    except Failure as failure:
        failure.exit("smoke")


def smoke(stack: Stack, say: Callable[[str], object] = say) -> None:
    """Try everything once; raises `Failure` naming what does not work."""
    mark = f"smoke-{uuid.uuid4().hex[:12]}"
    began = datetime.now(UTC) - timedelta(seconds=5)
    say(f"{LISTINGS} listings are priced: p95 {_priced(stack, mark, began):.0f} ms after they were sent")
    say(f"a record that is no event is a dead letter: {_refused(stack, mark, began)}")
    if stack.price_url:
        answer = ask(stack, stack.price_url, HOME | {"listing_id": mark}, explain=True)
        price, version = f"{answer.predicted_price:,.0f} {answer.currency}", answer.model.version
        say(f"POST /price says {price} (version {version}), and why")
    say(f"the monitor looks: champion {_looked(stack)['champion']}")


def _priced(stack: Stack, mark: str, began: datetime) -> float:
    """Publish listings and wait for their prices; return the 95th percentile of the time between, in milliseconds."""
    names = [f"{mark}-{number}" for number in range(LISTINGS)]
    records = [
        {
            "PartitionKey": partition_key(name),
            "Data": encode(
                ListingEvent(
                    specversion="1.0",
                    id=name,
                    source="/belo/smoke",
                    type="listing.submitted",
                    data=Listing(listing_id=name, **HOME),
                )
            ),
        }
        for name in names
    ]
    kinesis, sent = stack.client("kinesis"), datetime.now(UTC)
    if kinesis.put_records(StreamName=stack.listings_stream, Records=records)["FailedRecordCount"]:
        raise Failure(f"{stack.listings_stream}: not all of {LISTINGS} listings were taken")
    waits: dict[str, float] = {}
    consumer = Consumer(kinesis, stack.predictions_stream, start=ShardPosition(at=began))
    for batch in consumer.batches(until=sent + timedelta(seconds=PATIENCE)):
        for each in batch:
            if each.event.subject in names:
                waits[each.event.subject] = (each.at - sent).total_seconds() * 1000
        if len(waits) == LISTINGS:
            return sorted(waits.values())[round(0.95 * LISTINGS) - 1]
    raise Failure(f"{LISTINGS - len(waits)} of {LISTINGS} listings have no price after {PATIENCE:.0f} s")


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


def _holds(s3: Any, bucket: str, key: str, sequence_number: str) -> bool:  # noqa: ANN401 - a client
    lines = gzip.decompress(s3.get_object(Bucket=bucket, Key=key)["Body"].read()).splitlines()
    return any(json.loads(line)["sequence_number"] == sequence_number for line in lines)


def _looked(stack: Stack) -> dict[str, Any]:
    (monitor,) = [name for name in functions_of(stack.score_function) if name.endswith("monitor")]
    reply = stack.client("lambda", Config(read_timeout=310)).invoke(FunctionName=monitor, Qualifier=LIVE, Payload=b"{}")
    found: dict[str, Any] = json.loads(reply["Payload"].read())
    if "FunctionError" in reply or "champion" not in found:
        raise Failure(f"the monitor cannot look: {found.get('errorMessage', found)}")
    return found


if __name__ == "__main__":
    main()
