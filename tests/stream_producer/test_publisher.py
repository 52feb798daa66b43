"""The publisher against a stream that refuses, throttles and drops connections."""

import threading
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from pricing.refusal import InvalidRecord
from stream_producer.publisher import Publisher
from stream_producer.records import Record, RowPosition
from tests.stream_consumer.fake_kinesis import Disconnect, Fail, FakeKinesis, Refuse, service_error


def records(number: int, *, keys: int | None = None, size: int = 10) -> list[Record]:
    return [
        Record(f"L-{index % (keys or number)}", f"{index:0{size}d}".encode(), (RowPosition(0, index + 1),))
        for index in range(number)
    ]


def arrived(kinesis: FakeKinesis) -> list[bytes]:
    return [record["Data"] for record in kinesis.records()]


def test_every_record_arrives_once_in_full_requests() -> None:
    kinesis = FakeKinesis()

    outcome = Publisher(kinesis, "listings").publish(records(1_234))

    assert sorted(arrived(kinesis)) == [record.data for record in records(1_234)]
    assert sorted(len(call["Records"]) for call in kinesis.called("put_records")) == [234, 500, 500]
    assert (outcome.published, outcome.failed, outcome.retried, outcome.complete) == (1_234, 0, 0, True)


def test_a_request_holds_at_most_five_mebibytes() -> None:
    kinesis = FakeKinesis()  # which refuses larger ones

    Publisher(kinesis, "listings").publish(records(12, size=1_000_000))

    assert [len(call["Records"]) for call in kinesis.called("put_records")] == [5, 5, 2]


def test_only_refused_entries_are_sent_again() -> None:
    kinesis = FakeKinesis()
    kinesis.faults["put_records"].extend([Refuse((0, 3)), Refuse((1,), "InternalFailure")])

    outcome = Publisher(kinesis, "listings").publish(records(5))

    sent = [[entry["Data"][-1:] for entry in call["Records"]] for call in kinesis.called("put_records")]
    assert sent == [[b"0", b"1", b"2", b"3", b"4"], [b"0", b"3"], [b"3"]]
    assert sorted(arrived(kinesis)) == [record.data for record in records(5)]
    assert (outcome.published, outcome.retried) == (5, 3)


@pytest.mark.parametrize(
    "fault",
    [
        Fail("ProvisionedThroughputExceededException"),
        Fail("LimitExceededException"),
        Fail("KMSThrottlingException"),
        Fail("InternalFailure", 500),
        Fail("ServiceUnavailable", 503),
        Disconnect(done=False),
    ],
)
def test_a_call_that_failed_for_the_moment_is_made_again(fault: Fail | Disconnect) -> None:
    kinesis = FakeKinesis()
    kinesis.faults["put_records"].extend([fault, fault])

    outcome = Publisher(kinesis, "listings").publish(records(3))

    assert arrived(kinesis) == [record.data for record in records(3)]
    assert (outcome.published, outcome.failed, outcome.retried) == (3, 0, 6)


def test_what_was_taken_before_a_disconnect_may_arrive_twice_but_is_not_lost() -> None:
    kinesis = FakeKinesis()
    kinesis.faults["put_records"].append(Disconnect(done=True))

    outcome = Publisher(kinesis, "listings").publish(records(3))

    assert arrived(kinesis) == 2 * [record.data for record in records(3)]
    assert outcome.published == 3


def test_what_waiting_cannot_mend_is_not_tried_again_and_ends_the_run() -> None:
    kinesis = FakeKinesis()
    kinesis.faults["put_records"].append(Fail("ExpiredTokenException"))

    outcome = Publisher(kinesis, "listings", in_flight=1).publish(records(1_000))

    assert (outcome.published, outcome.failed, outcome.complete) == (0, 500, False)
    assert outcome.error.endswith("(ExpiredTokenException)")
    assert len(kinesis.called("put_records")) == 1


class Forbidding(FakeKinesis):
    """Refuses the first request for good, and holds up the second, which is then taken or refused for the moment."""

    def __init__(self, second: Refuse | None) -> None:
        super().__init__()
        self.second = second

    def put_records(self, **arguments: Any) -> dict[str, Any]:
        if arguments["Records"][0]["PartitionKey"] == "L-0":
            raise service_error("PutRecords", "ExpiredTokenException", 400)
        threading.Event().wait(0.2)
        self.faults["put_records"].append(self.second)
        return super().put_records(**arguments)


def test_what_is_in_flight_when_a_run_ends_is_settled_and_counted() -> None:
    kinesis = Forbidding(second=None)
    taken: list[Record] = []

    outcome = Publisher(kinesis, "listings", in_flight=2).publish(records(3_000), taken.extend)

    assert (outcome.published, outcome.failed) == (500, 500)
    assert [record.data for record in taken] == arrived(kinesis)


def test_the_error_of_a_run_is_what_ended_it() -> None:
    outcome = Publisher(Forbidding(second=Refuse((0,))), "listings", in_flight=2).publish(records(3_000))

    assert (outcome.published, outcome.failed) == (499, 501)
    assert outcome.error.endswith("(ExpiredTokenException)")


def test_what_is_sent_again_is_counted_in_events() -> None:
    kinesis = FakeKinesis()
    kinesis.faults["put_records"].append(Disconnect(done=False))

    outcome = Publisher(kinesis, "listings").publish([Record("group", b"", (RowPosition(0, 1), RowPosition(0, 2)))])

    assert (outcome.published, outcome.retried) == (2, 2)


def test_a_record_refused_to_the_end_fails_and_ends_the_run() -> None:
    kinesis = FakeKinesis()
    kinesis.faults["put_records"].extend([Refuse((1,))] + 1_000 * [Refuse((0,))])

    outcome = Publisher(kinesis, "listings", patience=0.2, in_flight=1).publish(records(1_200))

    assert (outcome.published, outcome.failed, outcome.complete) == (499, 1, False)
    assert outcome.error == "ProvisionedThroughputExceededException"
    assert b"1".zfill(10) not in arrived(kinesis)


class Slow(FakeKinesis):
    """Answers later calls first, refuses now and then, and watches what is in flight together."""

    def __init__(self) -> None:
        super().__init__()
        self.in_flight: list[str] = []
        self.together = 0
        self.doubled: list[str] = []
        self._guard = threading.Lock()

    def put_records(self, **arguments: Any) -> dict[str, Any]:
        keys = [entry["PartitionKey"] for entry in arguments["Records"]]
        with self._guard:
            self.doubled += [key for key in keys if key in self.in_flight or keys.count(key) > 1]
            self.in_flight += keys
            self.together = max(self.together, len(self.in_flight))
            turn = len(self.calls)
            if turn % 3 == 0:
                self.faults["put_records"].append(Refuse(tuple(range(0, len(keys), 2))))
        threading.Event().wait(0.004 * (3 - turn % 4))
        try:
            return super().put_records(**arguments)
        finally:
            with self._guard:
                for key in keys:
                    self.in_flight.remove(key)


def test_the_order_of_a_listing_is_kept_through_refusals_and_overtaking_requests() -> None:
    kinesis = Slow()
    taken: list[Record] = []

    outcome = Publisher(kinesis, "listings").publish(records(3_000, keys=700), taken.extend)

    assert outcome.complete
    by_listing: dict[str, list[bytes]] = {}
    for record in kinesis.records():
        by_listing.setdefault(record["PartitionKey"], []).append(record["Data"])
    assert sum(map(len, by_listing.values())) == 3_000
    assert all(first < second for data in by_listing.values() for first, second in pairwise(data))
    assert kinesis.doubled == []
    assert kinesis.together > 500
    told: dict[str, list[bytes]] = {}
    for record in taken:
        told.setdefault(record.partition_key, []).append(record.data)
    assert told == by_listing


def test_one_listing_a_thousand_times_over_is_published_in_order() -> None:
    kinesis = FakeKinesis()

    Publisher(kinesis, "listings").publish(records(1_000, keys=1))

    assert arrived(kinesis) == [record.data for record in records(1_000)]


def test_with_a_rate_no_request_carries_more_than_a_tenth_of_a_second() -> None:
    taken: list[int] = []
    Publisher(FakeKinesis(), "listings", rate=200).publish(records(100), lambda records: taken.append(len(records)))

    assert max(taken) <= 20
    assert sum(taken) == 100


def test_a_pause_in_the_input_sends_what_is_held_back() -> None:
    kinesis = FakeKinesis()
    seen: list[int] = []

    def slow_input() -> Iterator[Record | None]:
        first, second = records(2)
        yield first
        yield None
        yield None
        seen.append(len(kinesis.records()))
        yield second

    outcome = Publisher(kinesis, "listings").publish(slow_input())

    assert seen == [1]
    assert (outcome.published, outcome.complete) == (2, True)


def test_a_stopped_publisher_says_that_it_is_not_complete() -> None:
    kinesis = FakeKinesis()
    publisher = Publisher(kinesis, "listings", in_flight=1)

    outcome = publisher.publish(records(5_000), lambda _: publisher.stop())

    assert not outcome.complete
    assert outcome.published == len(kinesis.records()) < 5_000


def test_a_broken_input_is_raised_and_leaves_no_thread_behind() -> None:
    kinesis = FakeKinesis()
    before = threading.active_count()

    def broken() -> Iterator[Record]:
        yield from records(600)
        raise ValueError("line 601")

    with pytest.raises(ValueError, match="line 601"):
        Publisher(kinesis, "listings").publish(broken())

    assert threading.active_count() == before


def test_an_invalid_listing_is_raised_after_what_came_before_it_was_published() -> None:
    kinesis = FakeKinesis()
    listings = [{"listing_id": f"L-{number}", "neighborhood": "Savassi", "area_m2": 3 - number} for number in range(9)]

    with pytest.raises(InvalidRecord, match="area_m2: expected a number > 0, got 0") as raised:
        Publisher(kinesis, "listings").publish(listings)

    assert len(arrived(kinesis)) == 3
    assert raised.value.__notes__ == ["of those before it 3 were published"]


def test_invalid_listings_are_told_and_left_out_where_somebody_asks_for_them() -> None:
    kinesis = FakeKinesis()
    told: list[tuple[object, str]] = []
    listings = [{"listing_id": f"L-{number}", "neighborhood": "Savassi", "area_m2": number % 2} for number in range(4)]

    outcome = Publisher(kinesis, "listings").publish(
        listings, on_invalid=lambda listing, error: told.append((listing["listing_id"], str(error)))
    )

    assert (outcome.published, outcome.complete) == (2, True)
    assert told == [(name, "area_m2: expected a number > 0, got 0") for name in ("L-0", "L-2")]


def test_a_publisher_publishes_again_after_a_run_that_gave_up() -> None:
    kinesis = FakeKinesis()
    kinesis.faults["put_records"].append(Fail("AccessDeniedException"))
    publisher = Publisher(kinesis, "listings")

    assert not publisher.publish(records(3)).complete
    assert publisher.publish(records(3)).complete
    assert len(arrived(kinesis)) == 3


def test_a_publisher_that_was_stopped_publishes_no_more() -> None:
    kinesis = FakeKinesis()
    publisher = Publisher(kinesis, "listings")
    publisher.stop()

    assert publisher.publish(records(3)).published == 0
