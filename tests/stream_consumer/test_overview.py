"""How streams stand: shards, rates, who is behind, what died."""

import gzip
from datetime import UTC, datetime, timedelta

import pytest
from moto import mock_aws

from stream_consumer import Consumer
from stream_consumer.checkpoints.opening import look_at_checkpoint
from stream_consumer.overview import dead_of_last_day, iterator_age, look_at_stream
from stream_consumer.testing import MemoryStream, priced
from terminal.errors import Failure
from tests.conftest import DEAD_LETTERS

START = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Clock:
    """Time that a test moves."""

    now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stream(clock) -> MemoryStream:
    return MemoryStream(clock=clock)


def put(stream: MemoryStream, number: int) -> None:
    for each in range(number):
        stream.put("L-1", priced("L-1", event_id=f"{stream.clock()}{each}"))


def test_a_shard_s_oldest_and_newest_record_and_what_came_in_the_last_minute(stream, clock):
    put(stream, 4)
    clock.now += timedelta(hours=2)
    put(stream, 6)
    clock.now += timedelta(seconds=30)

    (shard,) = look_at_stream(stream, "predictions").shards

    assert (shard.oldest, shard.newest) == (START, START + timedelta(hours=2))
    assert shard.records_a_minute == 6.0
    assert shard.bytes_a_minute == sum(len(each["Data"]) + len("L-1") for each in stream.records()[4:])
    assert (shard.open, shard.parents, shard.lag) == (True, [], None)


@pytest.mark.parametrize("hours", [0.1, 0.5, 5, 20])
def test_the_newest_record_is_found_however_long_ago_it_came(stream, clock, hours):
    put(stream, 3)
    clock.now += timedelta(hours=hours)

    (shard,) = look_at_stream(stream, "predictions").shards

    assert (shard.newest, shard.records_a_minute) == (START, 0.0)


def test_an_empty_shard_holds_nothing(stream):
    (shard,) = look_at_stream(stream, "predictions").shards
    assert (shard.oldest, shard.newest, shard.records_a_minute) == (None, None, 0.0)


def test_a_rate_beyond_a_few_reads_is_told_by_those(clock):
    stream = MemoryStream(clock=clock, page=10)
    for _ in range(600):
        put(stream, 1)
        clock.now += timedelta(seconds=0.1)

    (shard,) = look_at_stream(stream, "predictions").shards

    assert shard.records_a_minute == pytest.approx(600, rel=0.05)


def test_closed_shards_and_parents_are_shown(stream):
    stream.split("shardId-000000000000")

    parent, *children = look_at_stream(stream, "predictions").shards

    assert not parent.open
    assert [each.parents for each in children] == [[parent.shard_id]] * 2


def test_the_lag_of_a_checkpoint_is_the_age_of_the_oldest_record_that_it_has_not_passed(stream, clock, tmp_path):
    put(stream, 2)
    clock.now += timedelta(seconds=10)
    file = tmp_path / "checkpoint"
    with Consumer(stream, "predictions", checkpoint=file) as consumer:
        list(consumer.batches())
        consumer.commit()
        identity = consumer._checkpoint._stream

        positions = look_at_checkpoint(str(file), identity, None)  # while another process has it
    assert [each.lag for each in look_at_stream(stream, "predictions", positions).shards] == [0.0]

    put(stream, 1)
    clock.now += timedelta(seconds=45)
    (shard,) = look_at_stream(stream, "predictions", positions).shards
    assert shard.lag == pytest.approx(45.0, abs=1.0)


def test_a_checkpoint_that_is_not_there_is_refused_by_name(tmp_path):
    with pytest.raises(Failure, match="nowhere: no checkpoint"):
        look_at_checkpoint(str(tmp_path / "nowhere"), "stream", None)


def test_dead_letters_and_parked_batches_of_the_last_day_are_counted(s3):
    for name, lines in (("a", 3), ("b", 2)):
        key = f"dead-letters/dt=2026-11-24/{name}.ndjson.gz"
        s3.put_object(Bucket=DEAD_LETTERS, Key=key, Body=gzip.compress(b"{}\n" * lines))
    s3.put_object(Bucket=DEAD_LETTERS, Key="aws/lambda/x/y", Body=b"{}")

    now = datetime.now(UTC)
    assert dead_of_last_day(s3, DEAD_LETTERS, now) == (5, 1)
    assert dead_of_last_day(s3, DEAD_LETTERS, now + timedelta(days=2)) == (0, 0)


def test_the_iterator_age_is_cloudwatch_s_or_unknown(client_of):
    with mock_aws():
        cloudwatch = client_of("cloudwatch")
        now = datetime.now(UTC)
        assert iterator_age(cloudwatch, "score", now) is None
        cloudwatch.put_metric_data(
            Namespace="AWS/Lambda",
            MetricData=[
                {
                    "MetricName": "IteratorAge",
                    "Dimensions": [{"Name": "FunctionName", "Value": "score"}],
                    "Timestamp": now - timedelta(minutes=2),
                    "Value": 2_500.0,
                }
            ],
        )
        assert iterator_age(cloudwatch, "score", now) == 2.5
