import pytest

from stream_consumer.checkpoints.opening import open_checkpoint
from stream_consumer.delivered import digest
from stream_consumer.positions import ShardPosition
from terminal.errors import Failure, UsageFailure
from tests.conftest import MODELS

WHERE = f"s3://{MODELS}/checkpoints/prices.json"
PLACE = {"shardId-0": ShardPosition(after="7")}


def test_a_checkpoint_in_s3_goes_on_where_the_last_save_ended(s3):
    first = open_checkpoint(WHERE, "a stream", s3)
    assert first.load().positions == {}
    first.save(PLACE, [digest("one")])

    saved = open_checkpoint(WHERE, "a stream", s3).load()

    assert (saved.positions, saved.delivered) == (PLACE, [digest("one")])


def test_of_two_processes_with_one_checkpoint_in_s3_the_second_to_save_is_refused_by_name(s3):
    first, second = (open_checkpoint(WHERE, "a stream", s3) for _ in range(2))
    first.load()
    second.load()
    first.save(PLACE, [])
    with pytest.raises(Failure, match=f"{WHERE}: another process reads on from this checkpoint"):
        second.save({"shardId-0": ShardPosition(after="9")}, [])


def test_a_checkpoint_of_another_stream_in_s3_is_refused(s3):
    first = open_checkpoint(WHERE, "a stream", s3)
    first.load()
    first.save(PLACE, [])
    with pytest.raises(Failure, match="a checkpoint of another stream"):
        open_checkpoint(WHERE, "another stream", s3).load()


def test_an_address_without_a_key_is_the_caller_s_mistake(s3):
    with pytest.raises(UsageFailure, match="expected s3://BUCKET/KEY"):
        open_checkpoint("s3://bucket", "a stream", s3)
