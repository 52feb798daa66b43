"""The fake of Kinesis: PutRecords, its limits and its faults."""

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, ReadTimeoutError

from tests.simulator.clock import SimulatedClock
from tests.simulator.faults import DropConnection, RefuseCall, RefuseEntries, RefuseShards, Script, Stall
from tests.simulator.kinesis import FakeKinesis
from tests.simulator.stream import Stream


def entries(count, size=1, key="k"):
    return [{"Data": b"x" * size, "PartitionKey": f"{key}{index}"} for index in range(count)]


@pytest.fixture
def clock():
    return SimulatedClock()


@pytest.fixture
def stream():
    return Stream("out", shards=4)


@pytest.fixture
def kinesis(clock, stream):
    return FakeKinesis(clock, [stream])


def test_accepted_entries_are_answered_with_shard_and_sequence_number(kinesis, stream):
    answer = kinesis.put_records(StreamName="out", Records=entries(3))
    assert answer["FailedRecordCount"] == 0
    stored = {(record.shard_id, record.sequence_number) for record in stream.records()}
    assert {(entry["ShardId"], entry["SequenceNumber"]) for entry in answer["Records"]} == stored


def test_a_partition_key_always_goes_to_the_same_shard_and_keys_go_to_all(stream):
    shards = [stream.shard_of(f"key-{index % 50}") for index in range(100)]
    assert shards[:50] == shards[50:]
    assert {shard.shard_id for shard in shards} == {shard.shard_id for shard in stream.shards}


def test_single_entries_are_refused_and_the_others_stored(kinesis, stream):
    kinesis.faults = Script([RefuseEntries(every=2, first=1, code="InternalFailure")])
    answer = kinesis.put_records(StreamName="out", Records=entries(5))
    assert [entry.get("ErrorCode") for entry in answer["Records"]] == [None, "InternalFailure"] * 2 + [None]
    assert (answer["FailedRecordCount"], len(stream.records())) == (2, 3)
    assert kinesis.put_records(StreamName="out", Records=entries(5))["FailedRecordCount"] == 0


def test_a_hot_shard_refuses_its_entries_and_no_others(kinesis, stream):
    kinesis.faults = Script([RefuseShards(every=4, first=2)])
    kinesis.put_records(StreamName="out", Records=entries(100))
    assert [bool(shard.records) for shard in stream.shards] == [True, True, False, True]


def test_a_throttled_call_stores_nothing(kinesis, stream):
    kinesis.faults = Script([RefuseCall()])
    with pytest.raises(ClientError) as raised:
        kinesis.put_records(StreamName="out", Records=entries(1))
    assert raised.value.response["Error"]["Code"] == "ProvisionedThroughputExceededException"
    assert stream.records() == []


@pytest.mark.parametrize(
    ("fault", "error", "stored"),
    [
        (DropConnection(), EndpointConnectionError, 0),
        (DropConnection(after=True), ConnectionClosedError, 2),
        (Stall(60), ReadTimeoutError, 2),
    ],
)
def test_a_connection_that_breaks_leaves_open_whether_the_records_were_taken(clock, stream, fault, error, stored):
    kinesis = FakeKinesis(clock, [stream], faults=Script([fault]), read_timeout=5)
    with pytest.raises(error):
        kinesis.put_records(StreamName="out", Records=entries(2))
    assert len(stream.records()) == stored


def test_a_slow_answer_takes_simulated_time(clock, stream):
    start = clock.time()
    FakeKinesis(clock, [stream], faults=Script([Stall(3)])).put_records(StreamName="out", Records=entries(1))
    assert clock.time() - start == pytest.approx(3.012)


@pytest.mark.parametrize(
    "records",
    [
        [],
        entries(501),
        entries(1, size=1_048_576),
        entries(6, size=1_000_000),
        [{"Data": b"", "PartitionKey": ""}],
        [{"Data": b"", "PartitionKey": "k" * 257}],
    ],
)
def test_a_call_beyond_the_limits_is_refused_whole(kinesis, stream, records):
    with pytest.raises(ClientError):
        kinesis.put_records(StreamName="out", Records=records)
    assert stream.records() == []


def test_a_call_at_the_limits_is_taken(kinesis):
    assert kinesis.put_records(StreamName="out", Records=entries(500))["FailedRecordCount"] == 0


def test_a_shard_takes_a_thousand_records_a_second(clock):
    kinesis = FakeKinesis(clock, [stream := Stream("out")], latency=0.0)
    refused = [kinesis.put_records(StreamName="out", Records=entries(400))["FailedRecordCount"] for _ in range(3)]
    assert (refused, kinesis.throttled) == ([0, 0, 200], 200)
    clock.sleep(1)
    assert kinesis.put_records(StreamName="out", Records=entries(200))["FailedRecordCount"] == 0
    assert len(stream.records()) == 1200


def test_a_shard_takes_a_mebibyte_a_second(clock):
    kinesis = FakeKinesis(clock, [Stream("out")], latency=0.0)
    answer = kinesis.put_records(StreamName="out", Records=entries(5, size=250_000))
    assert [entry.get("ErrorCode") for entry in answer["Records"]] == [None] * 4 + [
        "ProvisionedThroughputExceededException"
    ]


def test_a_stream_that_does_not_exist_is_an_error(kinesis):
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        kinesis.put_records(StreamName="other", Records=entries(1))
