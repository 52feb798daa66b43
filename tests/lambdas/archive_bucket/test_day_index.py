import gzip
import io
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdas.archive_bucket.day_index import DayIndex, IndexBehind
from lambdas.archive_bucket.prediction_rows import ArchivedPrediction
from lambdas.archive_bucket.reader import Archive
from lambdas.archive_bucket.sample import Sample
from tests.lambdas.fakes import client_error
from tests.monitoring.markets import ARCHIVE, START, Cloud, Market

LATE = START + timedelta(days=60)
HOUR = timedelta(hours=1)


@dataclass
class MemoryS3:
    """A bucket in memory that counts what is read; `refuses` the puts of these keys as a role without the right."""

    objects: dict[str, bytes] = field(default_factory=dict)
    reads: Counter = field(default_factory=Counter)
    refuses: bool = False

    def get_object(self, *, Bucket, Key):  # noqa: N803
        self.reads[Key] += 1
        return {"Body": io.BytesIO(self.objects[Key]), "Metadata": {}, "LastModified": START}

    def put_object(self, *, Bucket, Key, Body, IfNoneMatch="", **_):  # noqa: N803
        if self.refuses:
            raise client_error("AccessDenied", 403)
        if IfNoneMatch and Key in self.objects:
            raise client_error("PreconditionFailed", 412)
        self.objects[Key] = Body
        return {"ETag": '"1"'}

    def get_paginator(self, _):
        return self

    def paginate(self, *, Bucket, Prefix, Delimiter):  # noqa: N803
        keys = [key for key in sorted(self.objects) if key.startswith(Prefix)]
        if Delimiter:
            heads = {Prefix + key.removeprefix(Prefix).split(Delimiter)[0] + Delimiter for key in keys}
            yield {"CommonPrefixes": [{"Prefix": head} for head in sorted(heads)]}
        else:
            yield {"Contents": [{"Key": key, "LastModified": START} for key in keys]}

    def archive(self, day: int, name: str, rows: list[ArchivedPrediction]) -> None:
        """Put a batch under a day."""
        body = gzip.compress(msgspec.json.Encoder().encode_lines(rows))
        self.objects[f"predictions/dt={START + timedelta(days=day):%Y-%m-%d}/{name}.ndjson.gz"] = body

    def read(self, prefix: str) -> list[str]:
        """Return what was read under a prefix, and forget it."""
        keys = sorted(key for key in self.reads.elements() if key.startswith(prefix))
        self.reads.clear()
        return keys


(PATTERN,) = Market().predictions(1)


def row(listing: str, at: datetime, number: int = 0, version: str = "7") -> ArchivedPrediction:
    return msgspec.structs.replace(
        PATTERN, id=f"{listing}-{number}", listing_id=listing, arrived_at=at, model_version=version
    )


def archive(s3: MemoryS3, now: datetime = LATE, **named) -> Archive:
    return Archive(s3, ARCHIVE, clock=lambda: now, **named)


def days(s3: MemoryS3, number: int) -> None:
    """Two batches a day: one of the listing that is named as the day, and one of another."""
    for day in range(number):
        at = START + timedelta(days=day)
        s3.archive(day, "a", [row(f"L-{day}", at)])
        s3.archive(day, "b", [row(f"other-{day}", at + HOUR)])


LISTINGS = st.sampled_from(["L-1", "L-2", "L-3", "é", "L-2 "])
ROWS = st.builds(
    lambda listing, hours, number, version: (listing, hours, number, version),
    LISTINGS,
    st.integers(0, 30),  # some arrive on the day after their batch's
    st.integers(0, 2),
    st.sampled_from(["7", "8"]),
)
BATCHES = st.lists(st.tuples(st.integers(0, 12), st.lists(ROWS, min_size=1, max_size=4)), max_size=12)
HOURS = st.integers(-30, 15 * 24)


@settings(max_examples=150)
@given(BATCHES, st.sets(LISTINGS), HOURS, HOURS, st.none() | HOURS, st.integers(0, 40))
def test_it_finds_exactly_what_reading_everything_finds(batches, listings, since, until, everything, today):
    s3 = MemoryS3()
    for number, (day, rows) in enumerate(batches):
        begin = START + timedelta(days=day)
        s3.archive(day, f"b-{number}", [row(name, begin + hours * HOUR, n, v) for name, hours, n, v in rows])
    began, ends = START + since * HOUR, START + until * HOUR
    whole = ends if everything is None else START + everything * HOUR

    def keep(row: ArchivedPrediction) -> bool:
        return row.model_version == "7"

    now = START + timedelta(days=today)
    plain = archive(s3, now).predictions(began, ends, keep)
    for _ in range(2):  # building the indexes, and reading them
        sample = None if everything is None else Sample(whole)
        found = archive(s3, now).of_listings(listings, began, ends, keep, sample)
        assert found == [row for row in plain if row.listing_id in listings]
        assert sample is None or sample.rows == archive(s3, now).predictions(max(began, whole), ends, keep)


def test_closed_days_are_read_once_and_then_only_where_a_listing_is(s3):
    memory = MemoryS3()
    days(memory, 20)
    now = START + timedelta(days=20)
    archive(memory, now).of_listings(["L-3"], START, now)
    assert {"index/dt=2026-11-01.npz", "index/dt=2026-11-12.npz"} <= set(memory.objects)
    assert "index/dt=2026-11-13.npz" not in memory.objects
    memory.read("")
    (found,) = archive(memory, now).of_listings(["L-3"], START, now)
    assert found.listing_id == "L-3"
    young = [f"predictions/dt=2026-11-{day}/{name}.ndjson.gz" for day in range(13, 21) for name in "ab"]
    assert memory.read("predictions/") == ["predictions/dt=2026-11-04/a.ndjson.gz", *young]


def test_a_day_is_closed_eight_days_after_its_end_and_not_before():
    memory = MemoryS3()
    days(memory, 1)
    end = START + timedelta(days=1)
    archive(memory, end + timedelta(days=8) - timedelta(seconds=1)).of_listings(["L-0"], START, LATE)
    assert [key for key in memory.objects if key.startswith("index/")] == []
    archive(memory, end + timedelta(days=8)).of_listings(["L-0"], START, LATE)
    assert [key for key in memory.objects if key.startswith("index/")] == ["index/dt=2026-11-01.npz"]


def test_whoever_asks_about_the_future_does_not_close_today():
    memory = MemoryS3()
    days(memory, 2)
    archive(memory, START + timedelta(days=1)).of_listings(["L-0"], START, START + timedelta(days=3_650))
    memory.archive(1, "late", [row("L-0", START + timedelta(days=1), 1)])
    assert len(archive(memory).of_listings(["L-0"], START, LATE)) == 2


def test_each_object_is_read_once_where_a_window_is_read_whole():
    memory = MemoryS3()
    days(memory, 20)
    now = START + timedelta(days=20)
    for window in (1, 7, 30):
        archive(memory, now).of_listings(["L-3", "L-19"], START, now)
        memory.read("")
        sample = Sample(now - timedelta(days=window))
        found = archive(memory, now).of_listings(["L-3", "L-19"], START, now, sample=sample)
        assert [row.listing_id for row in found] == ["L-3", "L-19"]
        assert len(sample.rows) == min(40, 2 * window)
        assert max(Counter(memory.read("predictions/")).values()) == 1


def test_without_listings_nothing_but_the_window_is_read():
    memory = MemoryS3()
    days(memory, 20)
    now = START + timedelta(days=20)
    assert archive(memory, now).of_listings([], START, now) == []
    assert memory.read("") == []
    sample = Sample(now - timedelta(days=1))
    assert archive(memory, now).of_listings([], START, now, sample=sample) == []
    assert len(sample.rows) == 2
    assert memory.read("index/") == []


def test_of_two_who_build_an_index_the_first_stands():
    memory = MemoryS3()
    days(memory, 1)
    memory.objects["index/dt=2026-11-01.npz"] = DayIndex.of([], []).encode()
    assert archive(memory).of_listings(["L-0"], START, LATE) == []  # it is believed, as it never changes
    del memory.objects["index/dt=2026-11-01.npz"]

    class Overtaken(MemoryS3):
        def put_object(self, **arguments):
            super().put_object(**arguments)
            super().put_object(**arguments)

    assert len(archive(Overtaken(memory.objects)).of_listings(["L-0"], START, LATE)) == 1


def test_a_reader_who_may_not_write_reads_all_the_same():
    memory = MemoryS3(refuses=True)
    days(memory, 5)
    assert len(archive(memory).of_listings(["L-0", "L-4"], START, LATE)) == 2
    assert [key for key in memory.objects if key.startswith("index/")] == []


def test_another_error_of_the_bucket_is_not_swallowed(s3):
    s3.create_bucket(Bucket=ARCHIVE)
    Cloud(s3).archive(Market().predictions(3))

    class Broken:
        def __getattr__(self, name):
            return getattr(s3, name)

        def put_object(self, **_):
            raise client_error("InternalError", 500)

    with pytest.raises(Exception, match="InternalError"):
        archive(Broken()).of_listings(["L-0"], START, LATE)


def test_days_that_there_is_no_time_for_are_left_to_the_next_call_and_what_was_done_stays():
    memory = MemoryS3()
    days(memory, 10)
    ticks = iter(range(100))

    def clock() -> datetime:
        return LATE + timedelta(seconds=next(ticks))

    deadline = LATE + timedelta(seconds=14)  # ten ticks ask whether a day is closed
    with pytest.raises(IndexBehind, match="6 days of the archive are not indexed yet, 4 were now"):
        Archive(memory, ARCHIVE, clock, deadline).of_listings(["L-7"], START, LATE)
    assert sum(key.startswith("index/") for key in memory.objects) == 4
    memory.read("")
    assert len(archive(memory).of_listings(["L-7"], START, LATE)) == 1
    assert "predictions/dt=2026-11-01/a.ndjson.gz" not in memory.read("predictions/")


def test_it_works_on_s3_as_it_does_in_memory(s3):
    s3.create_bucket(Bucket=ARCHIVE)
    cloud = Cloud(s3)
    rows = Market().predictions(30, start=START - timedelta(minutes=10))
    for number, row in enumerate(rows):
        cloud.archive([row], f"b-{number:02}")
    for _ in range(2):
        found = archive(s3).of_listings(["L-3", "L-20", "nobody"], START - timedelta(days=1), LATE)
        assert found == [rows[3], rows[20]]
    index = s3.get_object(Bucket=ARCHIVE, Key="index/dt=2026-10-31.npz")["Body"].read()
    with np.load(io.BytesIO(index), allow_pickle=False) as arrays:
        assert set(arrays.files) == {"hashes", "places", "keys"}
        assert len(arrays["hashes"]) == len(arrays["places"]) == len(arrays["keys"]) == 10
        assert np.all(np.diff(arrays["hashes"].astype(object)) > 0)


def test_an_index_names_each_object_of_a_listing_once():
    a, b = np.array([1, 5], np.uint64), np.array([5, 2**64 - 1], np.uint64)
    index = DayIndex.load(DayIndex.of(["predictions/a", "predictions/bcd"], [a, b]).encode())
    assert index.holding(np.array([1], np.uint64)) == ["predictions/a"]
    assert index.holding(np.array([1, 5], np.uint64)) == ["predictions/a", "predictions/bcd"]
    assert index.holding(np.array([2**64 - 1], np.uint64)) == ["predictions/bcd"]
    assert index.holding(np.array([0, 4, 6], np.uint64)) == []


def test_moments_of_other_time_zones_fall_on_their_day_in_utc():
    memory = MemoryS3()
    days(memory, 3)
    west = START.astimezone(UTC) + timedelta(days=1)
    local = west.astimezone(datetime.strptime("-0300", "%z").tzinfo)
    assert archive(memory).predictions(local, local + HOUR / 2) == archive(memory).predictions(west, west + HOUR / 2)
    assert len(archive(memory).predictions(local, local + HOUR / 2)) == 1


ROWS_OF_A_FLOOD = [row(f"L-{n}", START + n * timedelta(minutes=1)) for n in range(3_000)]


def test_of_a_flood_so_many_are_kept_as_are_allowed_and_the_whole_is_estimated():
    sample = Sample(START, most=500)
    for each in ROWS_OF_A_FLOOD:
        sample.add(each)
    assert 250 < len(sample.rows) <= 500
    assert sample.share == 1 / 8
    assert sample.offered == pytest.approx(3_000, rel=0.15)


def test_which_ones_follows_from_the_flood_alone_and_not_from_its_order_or_its_repeats():
    there, back = Sample(START, most=500), Sample(START, most=500)
    for each in ROWS_OF_A_FLOOD:
        there.add(each)
    for each in [*reversed(ROWS_OF_A_FLOOD), *ROWS_OF_A_FLOOD[::7]]:
        back.add(each)
    assert there.rows == back.rows


def test_of_a_repeat_the_first_to_arrive_stands_and_what_came_before_the_window_is_not_in_it():
    sample = Sample(START + HOUR)
    for hours in (5, 2, 3, 0):
        sample.add(row("L-1", START + hours * HOUR))
    assert [each.arrived_at for each in sample.rows] == [START + 2 * HOUR]
