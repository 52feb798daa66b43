"""Consumers through resharding under load; and the examples of consumers work as they stand."""

import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import pytest

from integration_tests.cloud import Reader, until
from stream_consumer import Consumer
from stream_consumer.testing import priced
from stream_producer import Publisher
from stream_producer.records import Record

ROWS, LISTINGS = 20, 5


def test_the_lambda_consumer_keeps_the_newest_price_of_each_listing(cloud, price_table, tmp_path):
    file = tmp_path / "listings.csv"
    rows = "".join(f"C-{number % LISTINGS},Buritis,{50 + number},2\n" for number in range(ROWS))
    file.write_text(f"listing_id,neighborhood,area_m2,rooms\n{rows}")

    cloud.belo("publish", str(file))
    stream = Reader(cloud.kinesis, cloud.stack.predictions_stream)
    dynamodb = cloud.stack.client("dynamodb")

    def newest() -> dict[str, float]:
        ours = [each["data"] for each in stream.read() if each["data"]["listing_id"].startswith("C-")]
        ours.sort(key=lambda each: int(each["source_position"]["sequence_number"]))
        return {each["listing_id"]: each["predicted_price"] for each in ours} if len(ours) >= ROWS else {}

    def stored() -> dict[str, float]:
        items = dynamodb.scan(TableName=price_table)["Items"]
        return {each["listing_id"]["S"]: float(each["price"]["N"]) for each in items}

    expected = until(newest, "all listings are priced")
    assert len(expected) == LISTINGS
    until(lambda: expected.items() <= stored().items(), "the table holds the newest prices")


EVENTS, KEYS = 3_000, 30


def test_three_splits_and_three_merges_under_load_lose_nothing_and_keep_each_key_s_order(cloud, emulator, stream):
    if emulator == "ministack":
        pytest.skip("MiniStack forgets a shard that was split, and what it held: it runs on LocalStack")
    records = [
        Record(f"L-{number % KEYS}", priced(f"L-{number % KEYS}", event_id=f"{number}", sequence_number=number))
        for number in range(EVENTS)
    ]
    seen: defaultdict[str, list[int]] = defaultdict(list)
    with ThreadPoolExecutor(2) as pool, Consumer(cloud.stack.client("kinesis"), stream) as consumer:
        publishing = pool.submit(Publisher(cloud.stack.client("kinesis"), stream, rate=150).publish, records)
        resharding = pool.submit(_reshard, cloud.stack.client("kinesis"), stream)
        for batch in consumer.batches(follow=True, idle_timeout=30, limit=EVENTS):
            for arrived in batch:
                seen[arrived.event.subject].append(int(arrived.event.data.source_position.sequence_number))
        assert publishing.result().complete
        assert resharding.result() == 6
    assert consumer.gaps == []
    assert seen == {f"L-{key}": list(range(key, EVENTS, KEYS)) for key in range(KEYS)}


def _reshard(kinesis, stream: str) -> int:
    """Split a shard and merge two, three times; return how many changes that was."""
    for _ in range(3):
        first, *_ = _open_shards(kinesis, stream)
        keys = first["HashKeyRange"]
        middle = (int(keys["StartingHashKey"]) + int(keys["EndingHashKey"])) // 2
        kinesis.split_shard(StreamName=stream, ShardToSplit=first["ShardId"], NewStartingHashKey=str(middle))
        _wait_until_active(kinesis, stream)
        left, right, *_ = _open_shards(kinesis, stream)
        kinesis.merge_shards(StreamName=stream, ShardToMerge=left["ShardId"], AdjacentShardToMerge=right["ShardId"])
        _wait_until_active(kinesis, stream)
    return 6


def _open_shards(kinesis, stream: str) -> list[dict]:
    shards = kinesis.list_shards(StreamName=stream)["Shards"]
    still = [each for each in shards if "EndingSequenceNumber" not in each["SequenceNumberRange"]]
    return sorted(still, key=lambda each: int(each["HashKeyRange"]["StartingHashKey"]))


def _wait_until_active(kinesis, stream: str) -> None:
    def active() -> bool:
        found = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
        return found["StreamStatus"] == "ACTIVE"

    until(active, f"{stream} is active again")
    time.sleep(1)  # under load for a while
