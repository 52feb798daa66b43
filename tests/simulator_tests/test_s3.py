"""The fake of S3: conditional requests and the ways in which a read or a write goes wrong."""

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, IncompleteReadError

from tests.simulator.clock import SimulatedClock
from tests.simulator.faults import ChangeObject, DropConnection, RefuseCall, Script, TearBody
from tests.simulator.s3 import FakeS3


@pytest.fixture
def s3():
    return FakeS3(SimulatedClock())


def code(raised):
    error = raised.value.response
    return error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]


def test_what_was_put_is_read_at_once_with_the_same_etag(s3):
    etag = s3.put_object(Bucket="b", Key="k", Body=b"one")["ETag"]
    answer = s3.get_object(Bucket="b", Key="k")
    assert (answer["Body"].read(), answer["ETag"]) == (b"one", etag)
    assert s3.put_object(Bucket="b", Key="k", Body=b"two")["ETag"] != etag


def test_an_unchanged_object_is_answered_with_304(s3):
    etag = s3.put_object(Bucket="b", Key="k", Body=b"one")["ETag"]
    with pytest.raises(ClientError) as raised:
        s3.get_object(Bucket="b", Key="k", IfNoneMatch=etag)
    assert code(raised) == ("304", 304)
    s3.put_object(Bucket="b", Key="k", Body=b"two")
    assert s3.get_object(Bucket="b", Key="k", IfNoneMatch=etag)["Body"].read() == b"two"


def test_of_two_writers_with_if_match_one_wins(s3):
    etag = s3.put_object(Bucket="b", Key="k", Body=b"one")["ETag"]
    s3.put_object(Bucket="b", Key="k", Body=b"two", IfMatch=etag)
    with pytest.raises(ClientError) as raised:
        s3.put_object(Bucket="b", Key="k", Body=b"three", IfMatch=etag)
    assert code(raised) == ("PreconditionFailed", 412)
    assert s3.get_object(Bucket="b", Key="k")["Body"].read() == b"two"


def test_if_none_match_never_overwrites(s3):
    s3.put_object(Bucket="b", Key="k", Body=b"one", IfNoneMatch="*")
    with pytest.raises(ClientError) as raised:
        s3.put_object(Bucket="b", Key="k", Body=b"two", IfNoneMatch="*")
    assert code(raised) == ("PreconditionFailed", 412)


def test_a_key_that_is_not_there_is_no_such_key(s3):
    with pytest.raises(ClientError) as raised:
        s3.get_object(Bucket="b", Key="k")
    assert code(raised) == ("NoSuchKey", 404)
    s3.delete_object(Bucket="b", Key="k")


def test_a_torn_body_is_noticed_only_when_it_is_read(s3):
    s3.put_object(Bucket="b", Key="k", Body=b"0123456789")
    s3.faults = Script([TearBody(0.5)])
    body = s3.get_object(Bucket="b", Key="k")["Body"]
    with pytest.raises(IncompleteReadError):
        body.read()


def test_an_object_may_change_just_before_a_read(s3):
    s3.put_object(Bucket="b", Key="k", Body=b"one")
    s3.faults = Script([ChangeObject(b"two")])
    assert s3.get_object(Bucket="b", Key="k")["Body"].read() == b"two"
    assert s3.get_object(Bucket="b", Key="k")["Body"].read() == b"two"


def test_a_refused_write_stores_nothing_and_a_dropped_answer_leaves_it_stored(s3):
    s3.faults = Script([RefuseCall("SlowDown", 503), DropConnection(after=True)])
    with pytest.raises(ClientError):
        s3.put_object(Bucket="b", Key="k", Body=b"one")
    assert s3.keys("b") == []
    with pytest.raises(ConnectionClosedError):
        s3.put_object(Bucket="b", Key="k", Body=b"one")
    assert s3.keys("b") == ["k"]
    assert s3.injected == {"RefuseCall": 1, "DropConnection": 1}
