"""The stream in memory that users test with behaves as Kinesis does."""

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from pricing import prediction
from stream_consumer import Consumer
from stream_consumer.testing import MemoryStream, priced

START = datetime(2026, 11, 24, tzinfo=UTC)


class Clock:
    """Time that a test moves."""

    now = START

    def __call__(self) -> datetime:
        return self.now


def subjects(stream: MemoryStream, **options) -> list[str]:
    return [each.event.subject for batch in Consumer(stream, "predictions", **options).batches() for each in batch]


def read(stream: MemoryStream, shard_id: str, **arguments) -> list[bytes]:
    iterator = stream.get_shard_iterator(StreamName="predictions", ShardId=shard_id, **arguments)["ShardIterator"]
    return [record["Data"] for record in stream.get_records(ShardIterator=iterator)["Records"]]


def test_a_prediction_to_test_with_is_one_and_has_its_event_s_id():
    event = prediction.decode(priced("L-1", 612_000.0, event_id="e"))
    assert (event.subject, event.data.predicted_price) == ("L-1", 612_000.0)
    assert event.id == prediction.decode(priced("L-2", event_id="e")).id


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"ShardIteratorType": "TRIM_HORIZON"}, [b"0", b"1", b"2"]),
        ({"ShardIteratorType": "LATEST"}, []),
        ({"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": START + timedelta(seconds=1)}, [b"1", b"2"]),
        ({"ShardIteratorType": "AT_SEQUENCE_NUMBER", "StartingSequenceNumber": str(10**55 + 2)}, [b"1", b"2"]),
        ({"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": str(10**55 + 2)}, [b"2"]),
    ],
)
def test_an_iterator_of_each_kind_begins_where_kinesis_has_it(arguments, expected):
    clock = Clock()
    stream = MemoryStream(clock=clock)
    for number in range(3):
        clock.now = START + timedelta(seconds=number)
        shard_id = stream.put("key", b"%d" % number)

    assert read(stream, shard_id, **arguments) == expected


def test_what_is_older_than_the_retention_is_gone_and_so_is_a_closed_shard_that_held_nothing_else():
    clock = Clock()
    stream = MemoryStream(clock=clock, retention=timedelta(hours=24))
    (shard_id,) = {stream.put("L-1", priced("L-1"))}
    stream.split(shard_id)
    clock.now += timedelta(hours=20)
    stream.put("L-2", priced("L-2"))

    clock.now += timedelta(hours=5)

    assert shard_id not in {each["ShardId"] for each in stream.list_shards(StreamName="predictions")["Shards"]}
    assert subjects(stream) == ["L-2"]


def test_a_key_keeps_its_order_across_splits_and_merges():
    stream = MemoryStream(shards=2)
    for number in range(40):
        stream.put("L-1", priced("L-1", event_id=str(number), sequence_number=number))
        if number == 10:
            stream.split("shardId-000000000000")
        if number == 20:
            stream.merge("shardId-000000000002", "shardId-000000000003")

    with Consumer(stream, "predictions") as consumer:
        numbers = [
            int(each.event.data.source_position.sequence_number) for batch in consumer.batches() for each in batch
        ]
    assert numbers == list(range(40))


@pytest.mark.parametrize(
    ("records", "error"),
    [
        ([{"Data": b"x", "PartitionKey": "k"}] * 501, "501 records"),
        ([{"Data": b"x", "PartitionKey": ""}], "partition key"),
        ([{"Data": b"x" * 1024 * 1024, "PartitionKey": "k"}] * 6, "5 MiB"),
    ],
)
def test_a_request_beyond_the_limits_of_kinesis_is_refused(records, error):
    with pytest.raises(ClientError, match=error):
        MemoryStream().put_records(StreamName="predictions", Records=records)


def test_another_stream_is_not_found():
    with pytest.raises(ClientError, match="ResourceNotFound"):
        MemoryStream("predictions").list_shards(StreamName="prediction")
