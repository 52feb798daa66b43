"""The consumer through resharding, expired iterators, throttling, disconnects and crashes."""

import subprocess
import sys
from datetime import datetime, timedelta, timezone
from itertools import count
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from pricing.aggregation import join
from stream_consumer.consumer import Consumer
from stream_consumer.positions import LATEST, ShardPosition
from stream_consumer.testing import MemoryStream
from stream_consumer.worker import Worker
from terminal.errors import Failure, UsageFailure
from tests.stream_consumer.fake_kinesis import CREATED, Disconnect, Fail, FakeKinesis, service_error
from tests.stream_consumer.predictions import payload


class Clock:
    """Time that passes by being slept through."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def consumer(kinesis: MemoryStream, clock: Clock | None = None, **options) -> Consumer:
    clock = clock or Clock()
    return Consumer(kinesis, "predictions", clock=clock, sleep=clock.sleep, **options)


def ids(batches) -> list[int]:
    return [int(arrived.event.id.removeprefix("prediction-")) for batch in batches for arrived in batch]


def filled(shards: int = 1, number: int = 20, page: int = 7) -> FakeKinesis:
    kinesis = FakeKinesis(shards, page=page)
    put(kinesis, 0, number)
    return kinesis


def put(kinesis: MemoryStream, first: int, end: int) -> None:
    for number in range(first, end):
        kinesis.put(f"L-{number}", payload(number))


def test_all_shards_are_read_to_their_end() -> None:
    assert sorted(ids(consumer(filled(shards=5)).batches())) == list(range(20))


def test_an_empty_stream_ends_at_once() -> None:
    assert ids(consumer(FakeKinesis(3)).batches()) == []


def test_a_prediction_carries_its_bytes_and_where_and_when_it_arrived() -> None:
    kinesis = filled(number=1)

    ((arrived,),) = consumer(kinesis).batches()

    assert arrived.data == payload(0)
    assert arrived.event.data.predicted_price == 600_000.0
    assert (arrived.shard_id, arrived.sequence_number) == ("shardId-000000000000", "1001")
    assert arrived.at == CREATED + timedelta(seconds=1001)


def test_a_repeat_is_dropped_wherever_it_lies() -> None:
    kinesis = filled(shards=2)
    put(kinesis, 0, 20)

    reader = consumer(kinesis)

    assert sorted(ids(reader.batches())) == list(range(20))
    assert reader.repeats == 20


def test_the_memory_for_repeats_is_bounded_and_spans_at_least_half_its_size() -> None:
    kinesis = FakeKinesis()
    put(kinesis, 0, 5)
    put(kinesis, 0, 5)  # fewer than 5 lie between: repeats
    put(kinesis, 5, 30)
    put(kinesis, 0, 1)  # long forgotten

    assert ids(consumer(kinesis, remembered=10).batches()) == [*range(30), 0]


def test_a_record_that_is_no_prediction_is_counted_told_and_skipped() -> None:
    kinesis = filled(number=2)
    not_utf8 = payload(1)[:-1] + b',"note":"S\xe3o"}'  # in a field that nobody reads
    for data in (b"\xff\xfe", b"{}", b"", b'{"specversion":"1.0"}', payload(1)[:-10], not_utf8):
        kinesis.put("L-1", data)
    put(kinesis, 2, 3)
    told: list[str] = []

    reader = consumer(kinesis, on_foreign=told.append)

    assert ids(reader.batches()) == [0, 1, 2]
    assert reader.foreign == len(told) == 6
    assert told[0].startswith("shardId-000000000000 1003: not a prediction")


def test_reading_from_latest_leaves_out_what_was_there() -> None:
    kinesis = filled(shards=2)
    reader = consumer(kinesis, start=LATEST)

    assert ids(reader.batches()) == []

    put(kinesis, 20, 25)
    assert sorted(ids(reader.batches())) == list(range(20, 25))


def test_reading_from_a_time_begins_there() -> None:
    start = ShardPosition(at=CREATED + timedelta(seconds=1001 + 15))

    assert ids(consumer(filled(), start=start).batches()) == [15, 16, 17, 18, 19]


def test_a_limit_ends_reading_and_the_next_call_goes_on_behind_it() -> None:
    reader = consumer(filled())

    assert ids(reader.batches(limit=10)) == list(range(10))
    assert ids(reader.batches()) == list(range(10, 20))


def test_following_goes_on_after_the_end_until_nothing_comes_for_long_enough() -> None:
    kinesis = filled()
    clock = Clock()
    reader = consumer(kinesis, clock)
    got: list[int] = []

    for batch in reader.batches(follow=True, idle_timeout=30):
        got += ids([batch])
        if len(got) == 20:
            last = clock.now
            put(kinesis, 20, 22)

    assert got == list(range(22))
    assert 30 <= clock.now - last < 32


def test_an_idle_timeout_waits_where_the_end_is_reached_already() -> None:
    clock = Clock()

    assert ids(consumer(filled(), clock).batches(idle_timeout=10)) == list(range(20))

    assert clock.now >= 10


def test_an_idle_timeout_of_nothing_ends_after_a_look_at_every_shard() -> None:
    assert sorted(ids(consumer(filled(shards=8, number=80)).batches(idle_timeout=0))) == list(range(80))


def test_time_in_which_reading_failed_is_not_idle() -> None:
    kinesis = filled(shards=2)
    kinesis.faults["get_records"].extend(30 * [Disconnect(done=False)])

    assert sorted(ids(consumer(kinesis).batches(idle_timeout=2))) == list(range(20))


def test_time_in_which_reading_goes_on_past_old_records_is_not_idle() -> None:
    kinesis = filled(number=200, page=10)
    put(kinesis, 0, 200)  # repeats, read for four seconds
    put(kinesis, 200, 201)

    assert ids(consumer(kinesis).batches(idle_timeout=2)) == list(range(201))


def test_empty_pages_before_the_end_are_not_idle() -> None:
    class Sparse(FakeKinesis):
        """Gives what lies far ahead of the iterator only after many empty pages."""

        empty = 20

        def get_records(self, **arguments) -> dict:
            self.empty -= 1
            if self.empty < 0:
                return super().get_records(**arguments)
            again = arguments["ShardIterator"]
            return {"Records": [], "MillisBehindLatest": 86_400_000, "NextShardIterator": again}

    kinesis = Sparse()
    put(kinesis, 0, 3)

    assert ids(consumer(kinesis).batches(idle_timeout=2)) == [0, 1, 2]


def test_a_stream_on_which_only_repeats_arrive_is_idle() -> None:
    class Repeating(FakeKinesis):
        def get_records(self, **arguments) -> dict:
            put(self, 0, 1)
            return super().get_records(**arguments)

    clock = Clock()

    assert ids(consumer(Repeating(), clock).batches(follow=True, idle_timeout=10)) == [0]
    assert 10 <= clock.now < 11


def test_a_shard_is_read_five_times_a_second_at_most() -> None:
    kinesis = FakeKinesis(2)
    clock = Clock()

    list(consumer(kinesis, clock).batches(idle_timeout=10))

    assert len(kinesis.called("get_records")) <= 2 * 5 * (clock.now + 0.2)


def test_children_are_read_after_all_of_their_parents_through_splits_and_merges() -> None:
    kinesis = filled(shards=2, number=40)
    kinesis.split("shardId-000000000000")
    put(kinesis, 40, 80)
    kinesis.merge("shardId-000000000003", "shardId-000000000001")
    put(kinesis, 80, 120)
    kinesis.split("shardId-000000000004")
    put(kinesis, 120, 160)

    order: list[str] = []
    got: list[int] = []
    for batch in consumer(kinesis).batches():
        got += ids([batch])
        order += [arrived.shard_id for arrived in batch]

    assert sorted(got) == list(range(160))
    for shard_id, shard in kinesis.shards.items():
        for parent in shard.parents:
            if shard_id in order and parent in order:
                assert order.index(shard_id) > len(order) - 1 - order[::-1].index(parent)


def test_a_stream_resharded_while_it_is_followed_is_followed_on() -> None:
    kinesis = filled()
    got: list[int] = []

    for batch in consumer(kinesis).batches(follow=True, limit=60):
        got += ids([batch])
        if len(got) == 20:
            kinesis.split("shardId-000000000000")
            put(kinesis, 20, 40)
        if len(got) == 40:
            kinesis.merge("shardId-000000000001", "shardId-000000000002")
            put(kinesis, 40, 60)

    assert sorted(got) == list(range(60))


def test_children_that_are_not_listed_yet_are_known_from_the_closed_shard() -> None:
    kinesis = filled()
    reader = consumer(kinesis)
    kinesis.split("shardId-000000000000")
    put(kinesis, 20, 30)
    listed = kinesis.list_shards
    kinesis.list_shards = lambda **_: {"Shards": listed()["Shards"][:1]}  # type: ignore[method-assign]

    assert sorted(ids(reader.batches())) == list(range(30))


@pytest.mark.parametrize("failures", [1, 3])
def test_children_that_only_the_list_of_shards_names_are_waited_for(failures: int) -> None:
    class Silent(FakeKinesis):
        def get_records(self, **arguments) -> dict:
            return {name: value for name, value in super().get_records(**arguments).items() if name != "ChildShards"}

    kinesis = Silent()
    put(kinesis, 0, 5)
    reader = consumer(kinesis)
    kinesis.split("shardId-000000000000")
    put(kinesis, 5, 20)
    kinesis.faults["list_shards"].extend(failures * [Fail("LimitExceededException")])

    assert sorted(ids(reader.batches(follow=True, idle_timeout=5))) == list(range(20))


def test_shards_that_are_never_listed_again_are_given_up_in_the_end() -> None:
    kinesis = filled()
    clock = Clock()
    reader = consumer(kinesis, clock)
    kinesis.shards["shardId-000000000000"].closed_at = CREATED
    kinesis.faults["list_shards"].extend(1_000 * [Fail("LimitExceededException")])

    with pytest.raises(ClientError, match="LimitExceeded"):
        list(reader.batches())

    assert 300 < clock.now < 320


def test_from_latest_the_children_of_a_shard_that_closes_later_are_read_from_their_beginning() -> None:
    kinesis = filled()
    reader = consumer(kinesis, start=LATEST)
    assert ids(reader.batches()) == []
    put(kinesis, 20, 25)
    kinesis.split("shardId-000000000000")
    put(kinesis, 25, 40)

    assert sorted(ids(reader.batches())) == list(range(20, 40))


def test_from_latest_shards_that_are_closed_already_are_left_out() -> None:
    kinesis = filled()
    kinesis.split("shardId-000000000000")
    reader = consumer(kinesis, start=LATEST)
    assert ids(reader.batches()) == []
    put(kinesis, 20, 25)

    assert sorted(ids(reader.batches())) == list(range(20, 25))
    assert "shardId-000000000000" not in {call["ShardId"] for call in kinesis.called("get_shard_iterator")}


def test_an_expired_iterator_is_taken_anew_behind_the_last_record() -> None:
    kinesis = filled()
    reader = consumer(kinesis)
    got: list[int] = []

    for batch in reader.batches():
        got += ids([batch])
        kinesis.expire_iterators()

    assert got == list(range(20))
    assert reader.repeats == 0


def test_an_iterator_that_expires_before_anything_was_read_from_latest_skips_nothing() -> None:
    kinesis = FakeKinesis()
    kinesis._last_number = 10**9  # arrivals lie ahead of the machine's clock
    reader = consumer(kinesis, start=LATEST)
    assert ids(reader.batches()) == []
    kinesis.expire_iterators()
    put(kinesis, 0, 3)

    assert ids(reader.batches()) == [0, 1, 2]


def test_throttling_faults_and_disconnects_are_lived_through() -> None:
    kinesis = filled(shards=2, number=30)
    kinesis.split("shardId-000000000000")
    put(kinesis, 30, 60)
    faults = [Fail("ProvisionedThroughputExceededException"), Fail("InternalFailure", 500), Disconnect()]
    kinesis.faults["get_records"].extend([*faults, None, *faults, *faults, None, None, *faults])
    kinesis.faults["get_shard_iterator"].extend(faults)
    kinesis.faults["list_shards"].extend([None, None, *faults])

    assert sorted(ids(consumer(kinesis).batches())) == list(range(60))


def test_what_goes_on_failing_is_raised_in_the_end() -> None:
    kinesis = filled()
    kinesis.faults["get_records"].extend(1_000 * [Fail("ThrottlingException")])
    clock = Clock()

    with pytest.raises(ClientError, match="Throttling"):
        list(consumer(kinesis, clock).batches())

    assert 300 < clock.now < 320


def test_what_waiting_cannot_mend_is_raised_at_once() -> None:
    kinesis = filled()
    kinesis.faults["get_records"].append(Fail("AccessDeniedException"))

    with pytest.raises(ClientError, match="AccessDenied"):
        list(consumer(kinesis).batches())


def test_a_shard_that_vanished_without_a_word_is_left_for_its_children() -> None:
    kinesis = filled()
    reader = consumer(kinesis)
    next(reader.batches())
    kinesis.split("shardId-000000000000")
    del kinesis.shards["shardId-000000000000"]
    put(kinesis, 20, 25)

    assert sorted(ids(reader.batches())) == list(range(20, 25))


def test_a_checkpoint_goes_on_behind_what_was_committed(tmp_path: Path) -> None:
    kinesis = filled(shards=2)
    reader = consumer(kinesis, checkpoint=tmp_path / "checkpoint")
    first: list[int] = []
    for batch in reader.batches():
        if len(first) > 5:
            break  # this batch was never dealt with
        first += ids([batch])
        reader.commit()

    second = ids(consumer(kinesis, checkpoint=tmp_path / "checkpoint").batches())

    assert sorted(first + second) == list(range(20))


def test_a_checkpoint_after_a_limit_leaves_nothing_out(tmp_path: Path) -> None:
    kinesis = filled(shards=2)
    got: list[int] = []
    for _ in range(7):
        reader = consumer(kinesis, checkpoint=tmp_path / "checkpoint")
        got += ids(reader.batches(limit=3))
        reader.commit()

    assert sorted(got) == list(range(20))


def test_a_checkpoint_holds_through_resharding(tmp_path: Path) -> None:
    kinesis = filled()
    got: list[int] = []
    for step in range(4):
        reader = consumer(kinesis, checkpoint=tmp_path / "checkpoint")
        got += ids(reader.batches())
        reader.commit()
        put(kinesis, 100 * step + 100, 100 * step + 105)
        open_shards = [shard_id for shard_id, shard in kinesis.shards.items() if not shard.closed_at]
        kinesis.split(open_shards[0])
        put(kinesis, 100 * step + 105, 100 * step + 110)
    got += ids(consumer(kinesis, checkpoint=tmp_path / "checkpoint").batches())

    expected = [*range(20), *(100 * step + 100 + number for step in range(4) for number in range(10))]
    assert sorted(got) == expected


def test_a_checkpoint_from_latest_that_saw_nothing_loses_nothing_that_comes_later(tmp_path: Path) -> None:
    kinesis = FakeKinesis()
    kinesis._last_number = 10**9
    reader = consumer(kinesis, start=LATEST, checkpoint=tmp_path / "checkpoint")
    assert ids(reader.batches()) == []
    reader.commit()
    put(kinesis, 0, 3)

    assert ids(consumer(kinesis, start=LATEST, checkpoint=tmp_path / "checkpoint").batches()) == [0, 1, 2]


def test_a_checkpoint_reads_shards_that_came_since_from_their_beginning_even_from_latest(tmp_path: Path) -> None:
    kinesis = filled()
    reader = consumer(kinesis, checkpoint=tmp_path / "checkpoint")
    list(reader.batches())
    reader.commit()
    kinesis.split("shardId-000000000000")
    put(kinesis, 20, 30)

    later = consumer(kinesis, start=LATEST, checkpoint=tmp_path / "checkpoint")

    assert sorted(ids(later.batches())) == list(range(20, 30))


def test_a_checkpoint_of_another_stream_is_refused(tmp_path: Path) -> None:
    kinesis = filled()
    reader = consumer(kinesis, checkpoint=tmp_path / "checkpoint")
    list(reader.batches())
    reader.commit()
    kinesis.created += timedelta(days=1)  # deleted and made again

    with pytest.raises(Failure, match="another stream"):
        consumer(kinesis, checkpoint=tmp_path / "checkpoint")


def test_a_checkpoint_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageFailure, match="no checkpoint can be written there"):
        consumer(filled(), checkpoint=tmp_path / "missing" / "checkpoint")


@pytest.mark.parametrize("content", [b"", b"{", b'{"stream": 3}', b"\xff"])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "checkpoint").write_bytes(content)

    with pytest.raises(Failure, match="not a checkpoint"):
        consumer(filled(), checkpoint=tmp_path / "checkpoint")


def test_committing_twice_writes_once(tmp_path: Path) -> None:
    reader = consumer(filled(), checkpoint=tmp_path / "checkpoint")
    list(reader.batches())
    reader.commit()
    (tmp_path / "checkpoint").unlink()
    reader.commit()

    assert not (tmp_path / "checkpoint").exists()


# What the stream no longer has, and what it says of its shards


class Expiring(FakeKinesis):
    """Trims the records that are older than it keeps, and tells a clock that runs on."""

    later = timedelta()

    @property
    def now(self):
        return super().now + self.later

    def pass_time(self, hours: float) -> None:
        self.later += timedelta(hours=hours)
        for shard in self.shards.values():
            kept = self.now - timedelta(hours=24)
            shard.records = [each for each in shard.records if each["ApproximateArrivalTimestamp"] >= kept]

    def put(self, key, data):
        shard_id = super().put(key, data)
        record = self.shards[shard_id].records[-1]
        record["ApproximateArrivalTimestamp"] = self.now
        return shard_id


def test_a_checkpoint_older_than_the_stream_keeps_records_is_told_as_a_gap_and_reading_goes_on(tmp_path: Path) -> None:
    kinesis = Expiring()
    put(kinesis, 0, 5)
    first = consumer(kinesis, checkpoint=tmp_path / "checkpoint")
    assert ids(first.batches()) == [0, 1, 2, 3, 4]
    first.commit()
    first.close()
    put(kinesis, 5, 8)  # nobody will read these
    kinesis.pass_time(30)
    put(kinesis, 8, 10)
    told = []

    second = consumer(kinesis, checkpoint=tmp_path / "checkpoint", on_gap=told.append)

    assert ids(second.batches()) == [8, 9]
    (gap,) = second.gaps
    assert told == [gap]
    assert (gap.reason, gap.shard_id) == ("expired", "shardId-000000000000")
    assert gap.since < gap.until
    assert "records may be missing" in str(gap)


def test_a_checkpoint_at_the_end_of_a_quiet_stream_is_no_gap(tmp_path: Path) -> None:
    kinesis = Expiring()
    put(kinesis, 0, 5)
    first = consumer(kinesis, checkpoint=tmp_path / "checkpoint")
    assert len(ids(first.batches())) == 5
    first.commit()
    first.close()
    kinesis.pass_time(20)
    put(kinesis, 5, 7)

    second = consumer(kinesis, checkpoint=tmp_path / "checkpoint")

    assert ids(second.batches()) == [5, 6]
    assert second.gaps == []


def test_a_time_older_than_the_stream_keeps_records_is_told_as_a_gap() -> None:
    kinesis = Expiring()
    put(kinesis, 0, 5)
    kinesis.pass_time(60)
    put(kinesis, 5, 7)

    reader = consumer(kinesis, start=ShardPosition(at=CREATED + timedelta(hours=1)))

    assert ids(reader.batches()) == [5, 6]
    assert [gap.reason for gap in reader.gaps] == ["expired"]


def test_a_shard_of_the_checkpoint_that_is_gone_is_told_as_a_gap(tmp_path: Path) -> None:
    kinesis = filled()
    first = consumer(kinesis, checkpoint=tmp_path / "checkpoint")
    list(first.batches(limit=5))
    first.commit()
    first.close()
    kinesis.split("shardId-000000000000")
    put(kinesis, 20, 24)
    del kinesis.shards["shardId-000000000000"]

    second = consumer(kinesis, checkpoint=tmp_path / "checkpoint")

    assert sorted(ids(second.batches())) == [20, 21, 22, 23]
    assert [gap.reason for gap in second.gaps] == ["shard_gone"]


class Passing:
    """A clock that a test moves."""

    now = CREATED

    def __call__(self) -> datetime:
        return self.now


def read_then_leave(tmp_path: Path) -> tuple[MemoryStream, Passing, Path]:
    """Return a stream, its clock and the checkpoint of a reader that came to its end and left."""
    passing = Passing()
    stream = MemoryStream(clock=passing)
    put(stream, 0, 3)
    passing.now += timedelta(seconds=10)
    with consumer(stream, checkpoint=tmp_path / "checkpoint") as reader:
        assert ids(reader.batches()) == [0, 1, 2]
        reader.commit()
    return stream, passing, tmp_path / "checkpoint"


def test_shards_that_came_and_went_while_nobody_read_are_told_as_a_gap(tmp_path: Path) -> None:
    stream, passing, checkpoint = read_then_leave(tmp_path)
    stream.split("shardId-000000000000")
    put(stream, 3, 6)
    stream.merge("shardId-000000000001", "shardId-000000000002")
    passing.now += timedelta(hours=30)
    put(stream, 6, 8)

    reader = consumer(stream, checkpoint=checkpoint)

    assert ids(reader.batches()) == [6, 7]
    gone = {gap.shard_id for gap in reader.gaps if gap.reason == "shard_gone"}
    assert gone == {f"shardId-{number:012d}" for number in range(3)}


def test_what_expired_of_a_shard_that_came_while_nobody_read_is_told_as_a_gap(tmp_path: Path) -> None:
    stream, passing, checkpoint = read_then_leave(tmp_path)
    stream.split("shardId-000000000000")
    put(stream, 3, 6)
    passing.now += timedelta(hours=30)
    put(stream, 6, 20)

    reader = consumer(stream, checkpoint=checkpoint)

    assert sorted(ids(reader.batches())) == list(range(6, 20))
    assert {gap.shard_id for gap in reader.gaps if gap.reason == "expired"} == set(stream.shards)


def test_a_shard_that_is_not_found_and_not_listed_once_is_no_gap() -> None:
    class Forgetful(FakeKinesis):
        lists_none = False

        def list_shards(self, **arguments):
            reply = super().list_shards(**arguments)
            none, self.lists_none = self.lists_none, False
            return reply | {"Shards": [], "NextToken": None} if none else reply

    kinesis = Forgetful(page=7)
    put(kinesis, 0, 20)
    reader = consumer(kinesis)
    kinesis.faults["get_records"].append(Fail("ResourceNotFoundException"))
    kinesis.lists_none = True

    assert ids(reader.batches()) == list(range(20))
    assert reader.gaps == []


class Refusing(FakeKinesis):
    """Does not know the place that the first iterator is asked for."""

    refuses = True

    def get_shard_iterator(self, **arguments):
        if self.refuses and "StartingSequenceNumber" in arguments:
            self.refuses = False
            raise service_error("GetShardIterator", "InvalidArgumentException", 400)
        return super().get_shard_iterator(**arguments)


def test_a_place_that_the_stream_does_not_know_is_told_as_a_gap_and_read_from_the_oldest_record(tmp_path: Path) -> None:
    kinesis = Refusing()
    put(kinesis, 0, 6)
    first = consumer(kinesis, checkpoint=tmp_path / "checkpoint")
    list(first.batches(limit=3))
    first.commit()
    first.close()

    second = consumer(kinesis, checkpoint=tmp_path / "checkpoint")

    assert ids(second.batches()) == [3, 4, 5]  # what was delivered before the restart is known, and dropped
    assert [gap.reason for gap in second.gaps] == ["moved"]
    assert second.repeats == 3


class Racing(FakeKinesis):
    """Slips once where there is nothing more; a record comes, and the shard is split, before the list is asked for."""

    races = False

    def get_records(self, **arguments):
        reply = super().get_records(**arguments)
        if self.races and not reply["Records"]:
            reply.pop("NextShardIterator", None)
        return reply

    def list_shards(self, **arguments):
        if self.races:
            self.races = False
            put(self, 20, 21)
            self.split("shardId-000000000000")
        return super().list_shards(**arguments)


def test_a_record_that_came_between_a_slip_and_the_shard_s_end_is_read() -> None:
    kinesis = Racing(page=7)
    put(kinesis, 0, 20)
    reader = consumer(kinesis)
    kinesis.races = True

    assert ids(reader.batches(follow=True, idle_timeout=5)) == list(range(21))


class Slipping(FakeKinesis):
    """Leaves the next iterator out of one answer."""

    slips = 1

    def get_records(self, **arguments):
        reply = super().get_records(**arguments)
        if self.slips and "NextShardIterator" in reply:
            self.slips -= 1
            return {name: value for name, value in reply.items() if name != "NextShardIterator"}
        return reply


@pytest.mark.parametrize("closed", [False, True])
def test_a_shard_that_once_answers_without_a_next_iterator_is_read_on(closed) -> None:
    kinesis = Slipping(page=7)
    put(kinesis, 0, 20)
    if closed:
        kinesis.split("shardId-000000000000")
        put(kinesis, 20, 30)

    assert sorted(ids(consumer(kinesis).batches())) == list(range(30 if closed else 20))


def test_the_ids_that_were_delivered_last_hold_across_a_restart(tmp_path: Path) -> None:
    kinesis = FakeKinesis()
    put(kinesis, 0, 5)
    first = consumer(kinesis, checkpoint=tmp_path / "checkpoint")
    assert ids(first.batches()) == [0, 1, 2, 3, 4]
    first.commit()
    first.close()
    put(kinesis, 3, 7)  # a replay of two, after the restart

    second = consumer(kinesis, checkpoint=tmp_path / "checkpoint")

    assert ids(second.batches()) == [5, 6]
    assert second.repeats == 2


def test_a_checkpoint_that_is_removed_forgets_what_was_delivered(tmp_path: Path) -> None:
    kinesis = filled()
    first = consumer(kinesis, checkpoint=tmp_path / "checkpoint")
    list(first.batches())
    first.commit()
    first.close()
    (tmp_path / "checkpoint").unlink()

    assert ids(consumer(kinesis, checkpoint=tmp_path / "checkpoint").batches()) == list(range(20))


LOCKED = """
import sys
from pathlib import Path
from terminal.errors import Failure
from terminal.files import FileLock
try:
    FileLock(Path(sys.argv[1])).acquire()
except Failure as refused:
    print(refused)
"""


def test_a_second_process_with_the_same_checkpoint_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint"
    reader = consumer(filled(), checkpoint=file)
    other = [sys.executable, "-c", LOCKED, str(file)]
    said = subprocess.run(other, capture_output=True, text=True, check=True, cwd=Path.cwd()).stdout
    assert said == f"{file}: another process works with this file\n"
    reader.close()
    assert subprocess.run(other, capture_output=True, text=True, check=True, cwd=Path.cwd()).stdout == ""


def test_a_checkpoint_behind_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "real", tmp_path / "link"
    link.symlink_to(target)
    reader = consumer(filled(), checkpoint=link)
    list(reader.batches())
    reader.commit()
    assert link.is_symlink()
    assert target.is_file()


def test_a_checkpoint_holds_in_any_time_zone(tmp_path: Path, monkeypatch) -> None:
    kinesis = filled()
    first = consumer(kinesis, checkpoint=tmp_path / "checkpoint")
    list(first.batches())
    first.commit()
    first.close()
    kinesis.created = CREATED.astimezone(timezone(timedelta(hours=-3)))

    assert ids(consumer(kinesis, checkpoint=tmp_path / "checkpoint").batches()) == []


def test_reading_to_the_end_of_a_busy_stream_ends() -> None:
    class Busy(FakeKinesis):
        """Gets another record with every read."""

        numbers = count(20)

        def get_records(self, **arguments):
            self._last_number += 10  # ten seconds later
            self.put("L", payload(next(self.numbers)))
            return super().get_records(**arguments)

    kinesis = Busy(page=5)
    put(kinesis, 0, 20)

    got = ids(consumer(kinesis).batches())

    assert got == list(range(20))


def test_an_idle_reader_asks_once_a_second_and_one_that_is_behind_five_times() -> None:
    kinesis, clock = filled(page=4), Clock()
    list(consumer(kinesis, clock).batches(follow=True, limit=20))
    assert clock.now == pytest.approx(4 * 0.2)
    clock, before = Clock(), len(kinesis.called("get_records"))
    list(consumer(kinesis, clock, start=LATEST).batches(idle_timeout=30))
    assert len(kinesis.called("get_records")) - before <= 32


@pytest.mark.parametrize("operation", ["describe_stream_summary", "list_shards", "get_shard_iterator", "get_records"])
@pytest.mark.parametrize(
    "fault",
    [Fail("InternalFailure", 500), Fail("LimitExceededException"), Fail("ResourceInUseException"), Disconnect()],
    ids=["500", "limit", "in use", "reset"],
)
def test_what_passes_is_waited_for_at_every_call_the_first_one_included(operation, fault) -> None:
    kinesis = filled()
    kinesis.faults[operation].append(fault)

    assert ids(consumer(kinesis).batches()) == list(range(20))


@pytest.mark.parametrize("operation", ["describe_stream_summary", "list_shards", "get_shard_iterator", "get_records"])
def test_a_success_that_carries_a_page_of_a_proxy_is_waited_for(operation) -> None:
    class Proxied(FakeKinesis):
        pages = 1

        def _call(self, name, arguments, act):
            if name == operation and self.pages:
                self.pages -= 1
                return {"message": "<html>", "ResponseMetadata": {"HTTPStatusCode": 200}}
            return super().call(name, arguments, act)

    kinesis = Proxied(page=7)
    put(kinesis, 0, 20)

    assert ids(consumer(kinesis).batches()) == list(range(20))


def test_a_stream_without_shards_yet_is_waited_for() -> None:
    class Made(FakeKinesis):
        empty = 2

        def list_shards(self, **arguments):
            reply = super().list_shards(**arguments)
            if self.empty:
                self.empty -= 1
                return reply | {"Shards": []}
            return reply

    kinesis = Made(page=7)
    put(kinesis, 0, 20)

    assert ids(consumer(kinesis).batches()) == list(range(20))


def test_a_shard_that_is_not_found_twice_with_days_between_is_looked_for_again() -> None:
    kinesis, clock = filled(), Clock()
    reader = consumer(kinesis, clock)
    kinesis.faults["get_records"].append(Fail("ResourceNotFoundException"))
    assert ids(reader.batches(limit=10)) == list(range(10))
    clock.now += 3 * 86_400
    kinesis.faults["get_records"].append(Fail("ResourceNotFoundException"))

    assert ids(reader.batches()) == list(range(10, 20))


def test_what_cannot_pass_names_the_call() -> None:
    kinesis = filled()
    kinesis.faults["list_shards"].append(Fail("AccessDeniedException"))

    with pytest.raises(ClientError, match=r"list_?shards"):
        consumer(kinesis)


def test_aggregated_records_are_read_and_a_limit_inside_one_is_gone_on_behind(tmp_path: Path) -> None:
    kinesis = FakeKinesis()
    kinesis.put("group", join((f"L-{n}", payload(n)) for n in range(6)))
    put(kinesis, 6, 8)
    first = consumer(kinesis, checkpoint=tmp_path / "checkpoint")
    assert ids(first.batches(limit=4)) == [0, 1, 2, 3]
    first.commit()
    first.close()

    second = consumer(kinesis, checkpoint=tmp_path / "checkpoint")

    assert ids(second.batches()) == [4, 5, 6, 7]
    assert second.repeats == 0


def test_workers_divide_the_shards_and_each_is_read_by_exactly_one() -> None:
    kinesis = FakeKinesis(shards=4)
    put(kinesis, 0, 60)
    kinesis.split("shardId-000000000001")
    put(kinesis, 60, 120)
    parts = [ids(consumer(kinesis, shards=Worker(number, 3)).batches()) for number in (1, 2, 3)]

    assert sorted(n for part in parts for n in part) == list(range(120))
    assert all(parts)


def test_a_shard_that_the_stream_has_not_is_refused_with_those_it_has() -> None:
    with pytest.raises(UsageFailure, match="no shard shard-9: the stream has shardId-000000000000"):
        consumer(filled(), shards=["shard-9"])


def test_reading_until_a_time_leaves_the_rest_to_the_next_call() -> None:
    kinesis = filled()
    reader = consumer(kinesis)
    until = CREATED + timedelta(seconds=1001 + 15)

    assert ids(reader.batches(until=until)) == list(range(15))
    assert ids(reader.batches()) == list(range(15, 20))


def test_a_cloud_that_nobody_has_heard_of_is_an_error_at_once_and_one_that_went_away_is_waited_for() -> None:
    class Away(FakeKinesis):
        away = 0

        def call(self, name, arguments, act):
            if self.away:
                self.away -= 1
                raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")
            return super().call(name, arguments, act)

    kinesis = Away(page=7)
    put(kinesis, 0, 20)
    kinesis.away = 1
    with pytest.raises(EndpointConnectionError):
        consumer(kinesis)
    reader = consumer(kinesis)
    kinesis.away = 3

    assert ids(reader.batches()) == list(range(20))
