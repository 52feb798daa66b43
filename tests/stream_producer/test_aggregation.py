"""Events packed into aggregated records."""

from pricing.aggregation import split
from stream_producer.aggregation import MAX_PACKED_BYTES, aggregated
from stream_producer.publisher import Publisher
from stream_producer.records import Record, RowPosition, events_in
from tests.stream_consumer.fake_kinesis import FakeKinesis


def records(number: int, keys: int, size: int = 300) -> list[Record]:
    return [Record(f"L-{n % keys}", f"{n:0{size}d}".encode(), (RowPosition(0, n + 1),)) for n in range(number)]


def unpacked(packed: list[Record | None]) -> list[tuple[str, bytes]]:
    return [inner for record in packed if record for inner in split(record.data) or ()]


def test_every_event_is_in_one_aggregated_record_and_every_position_told() -> None:
    packed = list(aggregated(records(5_000, 2_000)))

    assert sorted(unpacked(packed)) == sorted((record.partition_key, record.data) for record in records(5_000, 2_000))
    assert sorted(position.line for record in packed if record for position in record.positions) == [*range(1, 5_001)]
    assert len(packed) < 200


def test_a_listing_s_events_share_a_partition_key_and_keep_their_order() -> None:
    kinesis = FakeKinesis(4)

    outcome = Publisher(kinesis, "listings").publish(aggregated(records(20_000, 300)))

    assert outcome.published == 20_000
    seen: dict[str, list[bytes]] = {}
    homes: dict[str, set[str]] = {}
    for shard_id, shard in kinesis.shards.items():
        for record in shard.records:
            for key, data in split(record["Data"]) or ():
                seen.setdefault(key, []).append(data)
                homes.setdefault(key, set()).add(shard_id + record["PartitionKey"])
    assert all(data == sorted(data) for data in seen.values())
    assert all(len(home) == 1 for home in homes.values())
    assert len(homes) == 300


def test_a_rate_counts_events_and_without_one_requests_are_full() -> None:
    packed = [record for record in aggregated(records(2_000, 2_000)) if record]

    full = FakeKinesis()
    Publisher(full, "listings").publish(packed)
    assert len(full.called("put_records")) == 1 + len(packed) // 500

    taken: list[int] = []
    Publisher(FakeKinesis(), "listings", rate=4_000).publish(packed, lambda records: taken.append(events_in(records)))
    assert sum(taken) == 2_000
    assert max(taken) <= 400 + max(events_in([each]) for each in packed)


def test_no_aggregated_record_is_larger_than_the_library_makes_them() -> None:
    packed = list(aggregated(records(3_000, 3_000, size=2_000)))

    assert max(len(record.data) for record in packed if record) <= MAX_PACKED_BYTES + 32


def test_an_event_larger_than_that_travels_alone() -> None:
    (record,) = records(1, 1, size=500_000)
    (alone,) = aggregated([record])

    assert alone is not None
    assert alone.data == record.data
    assert alone.partition_key.startswith("aggregated-")  # as its listing's packed records, for the order


def test_a_pause_empties_the_groups() -> None:
    first, second = records(2, 2)
    packed = list(aggregated([first, None, second]))

    assert [record is None for record in packed] == [False, True, False]
