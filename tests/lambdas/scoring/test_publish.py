import itertools
import time
from threading import Event

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from lambdas.aws.errors import full_jitter
from lambdas.aws.put_records import FIRST_WAIT, MAX_BYTES, put_records
from lambdas.scoring.publish import Outgoing, OutputStream, requests
from tests.lambdas.fakes import Clock, FakeKinesis, Inline, client_error


def outgoing(count: int, size: int = 10) -> list[Outgoing]:
    return [Outgoing(n, f"key-{n}", b"x" * size) for n in range(count)]


def publisher(kinesis: FakeKinesis) -> tuple[OutputStream, Clock]:
    clock = Clock()
    return OutputStream(kinesis, "predictions", pool=Inline(), clock=clock, sleep=clock.sleep), clock


def keys(records: list[dict]) -> list[str]:
    return [record["PartitionKey"] for record in records]


def test_everything_is_sent_in_requests_of_at_most_500():
    kinesis = FakeKinesis()
    assert publisher(kinesis)[0].publish(outgoing(1_201), deadline=50) == []
    assert [len(call) for call in kinesis.calls] == [500, 500, 201]
    assert keys(kinesis.taken) == [f"key-{n}" for n in range(1_201)]


def test_a_request_holds_at_most_five_mebibytes_with_its_keys():
    sizes = [
        sum(len(each.data) + len(each.partition_key) for each in request) for request in requests(outgoing(30, 400_000))
    ]
    assert len(sizes) == 3
    assert all(size <= MAX_BYTES for size in sizes)
    exact = [Outgoing(0, "k", b"x" * (MAX_BYTES - 1)), Outgoing(1, "k", b"")]
    assert [len(request) for request in requests(exact)] == [1, 1]
    just_in = [Outgoing(1, "k", b"x" * (MAX_BYTES - 2)), Outgoing(2, "k", b"")]
    assert [len(request) for request in requests(just_in)] == [2]
    assert [len(request) for request in requests([*exact[:1], *just_in])] == [1, 2]
    assert list(requests([])) == []


def test_only_the_refused_entries_are_sent_again():
    kinesis = FakeKinesis()
    kinesis.answers.extend([{1, 3}, {1}])
    assert publisher(kinesis)[0].publish(outgoing(5), deadline=50) == []
    assert [keys(call) for call in kinesis.calls[1:]] == [["key-1", "key-3"], ["key-3"]]
    assert sorted(keys(kinesis.taken)) == [f"key-{n}" for n in range(5)]


@pytest.mark.parametrize(
    "error",
    [
        client_error("ProvisionedThroughputExceededException"),
        client_error("LimitExceededException"),
        client_error("KMSThrottlingException"),
        client_error("InternalFailure", 500),
        ReadTimeoutError(endpoint_url="http://127.0.0.1"),
    ],
)
def test_a_passing_fault_of_a_whole_request_is_waited_out(error):
    kinesis = FakeKinesis()
    kinesis.answers.extend([error, error])
    assert publisher(kinesis)[0].publish(outgoing(3), deadline=50) == []
    assert keys(kinesis.taken) == ["key-0", "key-1", "key-2"]


def test_an_error_that_waiting_cannot_mend_is_raised_at_once():
    kinesis = FakeKinesis()
    kinesis.answers.append(client_error("ResourceNotFoundException"))
    with pytest.raises(ClientError):
        publisher(kinesis)[0].publish(outgoing(3), deadline=50)
    assert len(kinesis.calls) == 1


def test_what_the_deadline_leaves_is_returned_by_position_ascending():
    kinesis = FakeKinesis()
    kinesis.answers.extend([{4, 2}, *[{0, 1}] * 1_000])
    publish, clock = publisher(kinesis)
    assert publish.publish(outgoing(5), deadline=8) == [2, 4]
    assert 4 < clock.now < 8  # it tried for most of the time it had, and not beyond


def test_after_the_deadline_no_request_begins_not_even_a_first_one():
    kinesis = FakeKinesis()
    publish, clock = publisher(kinesis)

    def stalled(**_):
        clock.sleep(12)
        raise ReadTimeoutError(endpoint_url="http://127.0.0.1")

    kinesis.put_records = stalled
    assert publish.publish(outgoing(5_000), deadline=30) == list(range(5_000))
    assert clock.now < 30 + 12


def test_a_position_is_returned_once_however_many_of_its_predictions_are_left():
    kinesis = FakeKinesis()
    kinesis.answers.extend([client_error("ThrottlingException")] * 1_000)
    twins = [Outgoing(7, "a", b"1"), Outgoing(7, "b", b"2"), Outgoing(3, "c", b"3")]
    assert publisher(kinesis)[0].publish(twins, deadline=8) == [3, 7]


def test_an_error_that_says_nothing_of_its_status_passes():
    kinesis = FakeKinesis()
    kinesis.answers.append(ClientError({"Error": {"Code": "Unheard"}}, "PutRecords"))
    assert publisher(kinesis)[0].publish(outgoing(1), deadline=50) == []


def test_a_stream_that_goes_on_refusing_is_asked_less_and_less_often():
    longest = [0.0] * 9
    for _ in range(300):
        for number, pause in enumerate(itertools.islice(full_jitter(FIRST_WAIT, 2.0), 9)):
            longest[number] = max(longest[number], pause)
            assert pause >= 0
    limits = [min(0.05 * 2**number, 2.0) for number in range(9)]
    assert all(0.9 * limit < found <= limit for found, limit in zip(longest, limits, strict=True))


def test_what_is_refused_comes_with_the_first_reason():
    kinesis = FakeKinesis()
    kinesis.answers.append({1, 2})
    left, why = put_records(kinesis, "predictions", outgoing(4))
    assert ([each.position for each in left], why) == ([1, 2], "ProvisionedThroughputExceededException")
    assert put_records(kinesis, "predictions", outgoing(4)) == ([], "")
    kinesis.answers.append(client_error("InternalFailure", 500))
    assert put_records(kinesis, "predictions", outgoing(1)) == (outgoing(1), "InternalFailure")
    kinesis.answers.append(ReadTimeoutError(endpoint_url="http://127.0.0.1"))
    assert put_records(kinesis, "predictions", outgoing(1)) == (outgoing(1), "ReadTimeoutError")


def test_a_missing_permission_is_raised_at_once_though_other_requests_are_throttled():
    class HalfForbidden:
        """Throttles the first request for ever, and forbids the second."""

        def put_records(self, *, StreamName, Records):  # noqa: N803
            first = Records[0]["Data"] == b"0"
            raise client_error("ProvisionedThroughputExceededException" if first else "AccessDeniedException")

    raised, waited = Event(), []
    stream = OutputStream(HalfForbidden(), "predictions", sleep=lambda _: waited.append(raised.wait(30)))
    outgoing = [Outgoing(n, "k", str(n).encode()) for n in range(501)]
    with pytest.raises(ClientError, match="AccessDenied"):
        stream.publish(outgoing, time.monotonic() + 20)
    assert waited == []  # the throttled request is still waiting to be sent again, and nobody waits for it
    raised.set()
