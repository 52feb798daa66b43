import json
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from lambdas.aws.clients import kinesis_client
from lambdas.aws.put_records import put_records
from lambdas.aws.quick_puts import quicken
from lambdas.scoring.publish import Outgoing
from tests.lambdas.aws.wire import Wire

TWO = [{"Data": b'{"a":1}', "PartitionKey": "L-1"}, {"Data": b"\xff", "PartitionKey": "L-2"}]
TAKEN = [{"SequenceNumber": "495", "ShardId": "shardId-000000000000"}] * 2
WHOLE = json.dumps({"FailedRecordCount": 0, "Records": TAKEN}, separators=(",", ":")).encode()
REFUSED = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": 'Rate "exceeded"}]}'}

entries = st.lists(
    st.fixed_dictionaries(
        {"Data": st.binary(max_size=40), "PartitionKey": st.text(min_size=1, max_size=20)},
        optional={"ExplicitHashKey": st.integers(0, 2**128 - 1).map(str)},
    ),
    min_size=1,
    max_size=8,
)


def outgoing() -> list[Outgoing]:
    return [Outgoing(position, each["PartitionKey"], each["Data"]) for position, each in enumerate(TWO)]


def both(answer: bytes, status: int = 200):
    """Return what put_records of both clients comes to: the quick one, and boto3's own."""
    return [Wire((status, answer), quick=quick).put(TWO) for quick in (True, False)]


def whole(**members: object) -> bytes:
    return json.dumps(members).encode()


@pytest.fixture(scope="module")
def wires() -> tuple[Wire, Wire]:
    return Wire((200, WHOLE)), Wire((200, WHOLE), quick=False)


@given(entries)
def test_a_request_says_what_botocore_would_say(wires, records):
    quick, slow = wires
    quick.put(records)
    slow.put(records)
    ours, theirs = quick.requests[-1], slow.requests[-1]
    assert json.loads(ours.body) == json.loads(theirs.body)
    assert ours.url == theirs.url
    named = ("X-Amz-Target", "Content-Type", "User-Agent")
    assert [ours.headers[name] for name in named] == [theirs.headers[name] for name in named]
    assert ours.headers["Content-Length"] == str(len(ours.body))


def test_data_that_is_text_is_left_to_botocore():
    records = [*TWO, {"Data": "preço", "PartitionKey": "L-3"}]
    quick, slow = Wire((200, WHOLE)), Wire((200, WHOLE), quick=False)
    quick.put(records)
    slow.put(records)
    assert quick.requests[0].body == slow.requests[0].body


@pytest.mark.parametrize(
    "answer",
    [
        WHOLE,
        whole(Records=TAKEN, FailedRecordCount=0),
        whole(EncryptionType="KMS", FailedRecordCount=0, Records=TAKEN),
        json.dumps({"FailedRecordCount": 0, "Records": TAKEN, "New": [1]}, indent=2).encode(),
    ],
)
def test_where_nothing_failed_nothing_is_left(answer):
    wire = Wire((200, answer))
    assert put_records(wire.client, "predictions", outgoing()) == ([], "")
    reply = wire.put(TWO)
    assert (reply["FailedRecordCount"], reply["Records"]) == (0, [])
    assert reply["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_what_failed_is_left_with_its_reason():
    answer = whole(FailedRecordCount=1, Records=[TAKEN[0], REFUSED])
    left, why = put_records(Wire((200, answer)).client, "predictions", outgoing())
    assert ([each.position for each in left], why) == ([1], "ProvisionedThroughputExceededException")


@pytest.mark.parametrize(
    "answer",
    [
        whole(FailedRecordCount=1, Records=[TAKEN[0], REFUSED]),
        whole(FailedRecordCount=2, Records=[REFUSED, REFUSED]),
        whole(Records=TAKEN),
        whole(FailedRecordCount=None, Records=TAKEN),
        whole(FailedRecordCount=0),
        whole(FailedRecordCount=0, Records=None),
        whole(FailedRecordCount="0", Records=TAKEN),
        b"",
        b"{}",
        b"<html>too busy</html>",
        b'{"FailedRecordCount":0,"Records":[]} and more',
    ],
)
def test_any_other_answer_is_as_botocore_reads_it(answer):
    ours, theirs = both(answer)
    assert ours == theirs


@pytest.mark.parametrize("status", [400, 500, 503])
def test_an_error_is_one_whatever_its_body_says(status):
    ours, theirs = both(WHOLE, status)
    assert ours == theirs
    assert "ClientError" in ours


@pytest.mark.parametrize("end", range(len(WHOLE)))
def test_an_answer_that_was_cut_short_is_no_answer(end):
    left, why = put_records(Wire((200, WHOLE[:end])).client, "predictions", outgoing())
    assert (left, why) == (outgoing(), "UnreadableReply")


def test_botocore_tries_again_with_the_same_body():
    wire = Wire((500, b"{}"), (500, b"{}"), (200, WHOLE), retries={"total_max_attempts": 3, "mode": "standard"})
    assert put_records(wire.client, "predictions", outgoing()) == ([], "")
    assert len({request.body for request in wire.requests}) == 1
    assert len(wire.requests) == 3


def test_what_waiting_cannot_mend_is_raised():
    refused = whole(__type="ResourceNotFoundException", message="no such stream")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        put_records(Wire((400, refused)).client, "predictions", outgoing())


def test_a_client_that_speaks_no_json_is_left_alone():
    model = SimpleNamespace(resolved_protocol="smithy-rpc-v2-cbor")
    registered: list[str] = []
    client = SimpleNamespace(
        meta=SimpleNamespace(service_model=model, events=SimpleNamespace(register=registered.append))
    )
    assert quicken(client) is client  # type: ignore[arg-type]
    assert registered == []


def test_the_functions_client_tries_once_and_says_who_it_is(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    config = kinesis_client(read_timeout=2, connections=3).meta.config
    assert (config.retries["total_max_attempts"], config.read_timeout, config.max_pool_connections) == (1, 2, 3)
    assert config.user_agent.startswith("belo-horizonte-pricing botocore/")
