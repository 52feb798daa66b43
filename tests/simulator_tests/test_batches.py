"""How batches are cut, and in what order they go."""

import base64
import itertools
import json

import pytest

from tests.simulator.events import bytes_in_event, event_of
from tests.simulator.settings import Settings


def nothing(_):
    return None


def test_a_batch_holds_at_most_batch_size_records_in_the_order_of_the_shard(stage):
    stage.put(*"abcde")
    stage.run(nothing, batch_size=2)
    assert stage.seen == [["a", "b"], ["c", "d"], ["e"]]


def test_a_batch_stays_below_six_megabytes_of_event(stage):
    for index in range(9):
        stage.put(f"{index}" * 1_000_000)
    stage.run(nothing, batch_size=100)
    assert [len(batch) for batch in stage.seen] == [4, 4, 1]
    for invocation in stage.mapping.log:
        assert len(json.dumps(event_of(invocation.records, stage.stream.arn), separators=(",", ":"))) <= 6_000_000


def test_the_size_of_a_record_in_the_event_is_reckoned_to_the_byte_but_for_the_timestamp(stage):
    stage.put("text", "another text", key="chave-ç")
    records = stage.stream.records()
    written = json.dumps(event_of(records, stage.stream.arn), separators=(",", ":"), ensure_ascii=False)
    reckoned = sum(bytes_in_event(record, stage.stream.arn) for record in records) + len('{"Records":[]}') - 1
    assert 0 <= reckoned - len(written.encode()) <= 14


def test_without_a_window_a_record_goes_out_at_the_next_poll(stage):
    stage.put("a", at=0.3)
    stage.put("b", at=5.2)
    stage.run(nothing)
    assert (stage.seen, stage.times) == ([["a"], ["b"]], [1.0, 6.0])


def test_a_window_gathers_records_until_it_expires(stage):
    stage.put("a", at=0.0)
    stage.put("b", at=4.0)
    stage.put("c", at=6.0)
    stage.run(nothing, maximum_batching_window=5)
    assert (stage.seen, stage.times) == ([["a", "b"], ["c"]], [5.0, 11.0])


def test_a_full_batch_does_not_wait_for_the_window(stage):
    stage.put("a", at=0.0)
    stage.put("b", at=2.0)
    stage.run(nothing, batch_size=2, maximum_batching_window=300)
    assert (stage.seen, stage.times) == ([["a", "b"]], [2.0])


def test_while_a_batch_is_processed_records_gather_for_the_next(stage):
    for second in range(4):
        stage.put(str(second), at=second)
    stage.run(lambda _: stage.clock.sleep(10))
    assert stage.seen == [["0"], ["1", "2", "3"]]


def test_shards_are_processed_side_by_side(stage):
    stage.stream = type(stage.stream)("listings", shards=2, limited=False)
    keys = {stage.stream.shard_of(f"key-{n}").shard_id: f"key-{n}" for n in range(20)}
    for key in keys.values():
        stage.put(key + "-1", key + "-2", key=key)
    stage.run(lambda _: stage.clock.sleep(10), batch_size=1)
    assert sorted(stage.times) == [0, 0, 10, 10]
    assert stage.clock.time() == stage.start + 20


def test_concurrent_batches_of_a_shard_never_share_a_partition_key_and_keep_its_order(stage):
    for turn in range(20):
        for key in range(7):
            stage.put(f"{key}:{turn}", key=str(key))
    stage.run(lambda _: stage.clock.sleep(1), batch_size=5, parallelization_factor=4)
    spans = {}
    for invocation in stage.mapping.log:
        for record in invocation.records:
            spans.setdefault(record.partition_key, []).append((invocation.started_at, invocation.ended_at, record))
    for span in spans.values():
        assert [record.data for _, _, record in span] == sorted((r.data for _, _, r in span), key=lambda d: int(d[2:]))
        for (start, end, _), (after, _, _) in itertools.pairwise(span):
            assert after == start or after >= end
    assert len({invocation.started_at for invocation in stage.mapping.log}) < len(stage.mapping.log)


def test_the_event_has_the_fields_that_lambda_documents(stage):
    stage.put("text", key="chave", at=0.123456)
    (record,) = event_of(stage.stream.records(), stage.stream.arn)["Records"]
    number = stage.numbers["text"]
    assert base64.b64decode(record["kinesis"].pop("data")) == b"text"
    assert record == {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "chave",
            "sequenceNumber": number,
            "approximateArrivalTimestamp": 1_000_000.123,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000000:{number}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/lambda-role",
        "awsRegion": "us-east-1",
        "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/listings",
    }


def test_sequence_numbers_grow_but_not_as_text(stage):
    stage.put(*map(str, range(100)))
    numbers = [record.sequence_number for record in stage.stream.records()]
    assert sorted(numbers, key=int) == numbers != sorted(numbers)


@pytest.mark.parametrize("setting", ["batch_size", "parallelization_factor", "maximum_batching_window"])
def test_settings_out_of_the_documented_bounds_are_refused(setting):
    with pytest.raises(ValueError, match=setting):
        Settings(**{setting: 10_001})
