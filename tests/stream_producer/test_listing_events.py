"""Rows as events: identities, samples, passes, and the rows that are not sent."""

import gc
import io
import json
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pricing import listing
from stream_producer.listing_events import ListingEvents, event_id
from stream_producer.records import Record, RowPosition
from terminal.errors import Failure

if TYPE_CHECKING:
    from pricing.refusal import InvalidRecord

SHA256 = "ab" * 32


def csv_file(folder: Path, areas: list[str], *, ids: bool = False) -> Path:
    path = folder / "listings.csv"
    lines = [f"{f'X-{n},' if ids else ''}Centro,{area}\n" for n, area in enumerate(areas)]
    path.write_text(("listing_id," if ids else "") + "neighborhood,square-foot\n" + "".join(lines))
    return path


def documents(records: list[Record]) -> list[dict[str, Any]]:
    return [json.loads(record.data) for record in records]


def test_a_row_becomes_a_valid_event_under_its_listing_s_key(tmp_path: Path) -> None:
    (record,) = ListingEvents(csv_file(tmp_path, ["45-65"]), SHA256)

    event = listing.decode(record.data)
    assert (record.partition_key, record.positions) == ("L-abababab-1", (RowPosition(0, 2),))
    assert (event.id, event.source, event.data.area_m2) == (event_id(SHA256, 1, 0), "/publish", 55.0)


def test_identities_are_the_same_each_time_and_differ_by_file_row_and_pass(tmp_path: Path) -> None:
    file = csv_file(tmp_path, ["40", "50"])

    def identities(sha256: str, limit: int | None = None) -> list[str]:
        return [event["id"] for event in documents(list(ListingEvents(file, sha256, limit=limit)))]

    assert identities(SHA256) == identities(SHA256)
    assert len({*identities(SHA256, 6), *identities("cd" * 32, 6)}) == 12
    assert event_id(SHA256, 1, 11) != event_id(SHA256, 11, 1)


def test_the_column_listing_id_names_the_listing(tmp_path: Path) -> None:
    assert [each.partition_key for each in ListingEvents(csv_file(tmp_path, ["40", "50"], ids=True), SHA256)] == [
        "X-0",
        "X-1",
    ]


def test_a_limit_ends_early_or_goes_round_with_the_same_listings(tmp_path: Path) -> None:
    file = csv_file(tmp_path, ["40", "--", "50"])

    once = ListingEvents(file, SHA256, limit=1)
    round_and_round = ListingEvents(file, SHA256, limit=5)

    assert [record.positions[0] for record in once] == [RowPosition(0, 2)]
    assert [(record.partition_key, record.positions[0]) for record in round_and_round] == [
        ("L-abababab-1", RowPosition(0, 2)),
        ("L-abababab-3", RowPosition(0, 4)),
        ("L-abababab-1", RowPosition(1, 2)),
        ("L-abababab-3", RowPosition(1, 4)),
        ("L-abababab-1", RowPosition(2, 2)),
    ]
    assert round_and_round.invalid == 1


def test_a_row_that_is_no_listing_is_told_counted_and_not_sent(tmp_path: Path) -> None:
    told: list[tuple[int, str]] = []
    events = ListingEvents(
        csv_file(tmp_path, ["40", "-3", "many", "50"]),
        SHA256,
        on_invalid=lambda read, error: told.append((read.line, str(error))),
    )

    assert [record.partition_key for record in events] == ["L-abababab-1", "L-abababab-4"]
    assert events.invalid == 2
    assert told == [
        (3, "area_m2: expected a number > 0, got -3"),
        (4, 'area_m2: expected a number, got "many"'),
    ]


def test_a_limit_on_a_file_without_a_listing_fails_rather_than_going_round_for_ever(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="not one valid listing"):
        list(ListingEvents(csv_file(tmp_path, ["--", "0"]), SHA256, limit=5))


def test_a_sample_is_random_repeatable_and_in_the_order_of_the_file(tmp_path: Path) -> None:
    file = csv_file(tmp_path, [str(area) for area in range(1, 1_001)])

    rows = [record.positions[0].line for record in ListingEvents(file, SHA256, sample=100)]

    assert rows == [record.positions[0].line for record in ListingEvents(file, SHA256, sample=100)]
    assert rows == sorted(set(rows))
    assert len(rows) == 100
    assert 400 < sum(rows) / 100 < 600


def test_a_sample_larger_than_the_file_is_the_file_and_a_limit_goes_round_the_sample(tmp_path: Path) -> None:
    file = csv_file(tmp_path, ["40", "50", "60"])

    assert len(list(ListingEvents(file, SHA256, sample=10))) == 3
    turns = [record.positions[0] for record in ListingEvents(file, SHA256, sample=2, limit=4)]
    assert [turn for turn, _ in turns] == [0, 0, 1, 1]
    assert [row for _, row in turns[:2]] == [row for _, row in turns[2:]]


def test_of_a_table_only_what_a_listing_is_made_of_is_read(tmp_path: Path) -> None:
    file = tmp_path / "listings.parquet"
    far = pa.array([2**62], pa.timestamp("us"))  # after the year 9999
    pq.write_table(pa.table({"neighborhood": ["Centro"], "square-foot": ["40"], "rooms": [2], "seen": far}), file)

    (document,) = documents(list(ListingEvents(file, SHA256)))

    assert document["data"] == {"listing_id": "L-abababab-1", "neighborhood": "Centro", "area_m2": 40.0, "rooms": 2.0}


def test_an_envelope_is_sent_as_it_is(tmp_path: Path) -> None:
    envelope = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "/marketplace",
        "type": "listing.submitted",
        "data": {"listing_id": "L-9", "neighborhood": "Centro", "area_m2": 40, "garden": True},
        "traceparent": "00-ab",
    }
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps(envelope) + "\n" + json.dumps({**envelope, "type": "other"}) + "\n")

    events = ListingEvents(file, SHA256)
    (record,) = events

    assert documents([record]) == [envelope]
    assert record.partition_key == "L-9"
    assert events.invalid == 1


def test_an_event_too_large_for_a_record_is_invalid(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps({"neighborhood": "Centro", "area_m2": 40, "address": "x" * 2_000_000}) + "\n")
    told: list[InvalidRecord] = []

    assert list(ListingEvents(file, SHA256, on_invalid=lambda _, error: told.append(error))) == []
    assert "too many for a record" in str(told[0])


def test_standard_input_is_read_once_and_rows_are_known_by_their_content() -> None:
    def read(*areas: int) -> list[dict[str, Any]]:
        lines = "".join(f'{{"neighborhood":"Centro","area_m2":{area}}}\n' for area in areas)
        return documents(list(ListingEvents("-", "", limit=10, stdin=io.BytesIO(lines.encode()))))

    first, second = read(40, 50), read(40, 60)

    assert len(first) == 2
    assert first[0]["id"] == second[0]["id"]
    assert first[1]["id"] != second[1]["id"]


def test_a_file_that_is_gone_round_is_told_once(tmp_path: Path) -> None:
    said: list[str] = []
    file = csv_file(tmp_path, ["40", "50"])

    assert len(list(ListingEvents(file, SHA256, limit=7, say=said.append))) == 7
    assert [line.partition(" ")[0] for line in said] == [f"{file}:", "read:"]
    assert "not read" not in said[1]


def test_rows_that_were_refused_are_let_go_of(tmp_path: Path) -> None:
    file = tmp_path / "listings.csv"
    file.write_text("neighborhood,area_m2\n" + "Centro,large\n" * 100)
    refused: list[weakref.ref[Exception]] = []

    assert not list(ListingEvents(file, "ab" * 32, on_invalid=lambda _, error: refused.append(weakref.ref(error))))
    gc.collect()

    assert len(refused) == 100
    assert not [each for each in refused if each()]
