"""Predictions as people and programs read them."""

import csv
import io
import json
import os
from pathlib import Path

import pytest

from stream_consumer.consumer import Arrived, Consumer
from stream_consumer.printing.formats import Format, encoder, header, whole
from stream_consumer.printing.output import Output
from tests.market import MARKET
from tests.stream_consumer.fake_kinesis import FakeKinesis
from tests.stream_consumer.predictions import payload


def arrived(*payloads: bytes) -> list[Arrived]:
    kinesis = FakeKinesis()
    for data in payloads:
        kinesis.put("L", data)
    return [each for batch in Consumer(kinesis, "predictions", sleep=lambda _: None).batches() for each in batch]


def test_amounts_are_written_as_in_the_market() -> None:
    assert [whole(price, MARKET) for price in (612_345.4, 1_250_000, 999.5, 0)] == [
        "612.345",
        "1.250.000",
        "1.000",
        "0",
    ]
    assert whole(612_345.4, None) == "612,345"


def test_a_prediction_of_another_market_is_shown_in_its_currency_and_its_warnings_stand_behind_it() -> None:
    told = payload(1).replace(b'"currency":"BRL"', b'"currency":"EUR","warnings":["outside_city","outside_area"]')
    (line,) = encoder(Format.TABLE, MARKET)(arrived(told)).splitlines()

    assert "EUR 600,001" in line
    assert line.endswith("7       outside_city, outside_area")
    (row,) = csv.DictReader(io.StringIO(header(Format.CSV) + encoder(Format.CSV)(arrived(told))))
    assert (row["currency"], row["warnings"]) == ("EUR", "outside_city;outside_area")


def test_a_table_shows_price_interval_neighbourhood_area_and_model() -> None:
    (line,) = encoder(Format.TABLE, MARKET)(arrived(payload(1))).splitlines()
    names, rule = header(Format.TABLE).splitlines()

    assert "  ".join(line.split("  ")) == line
    assert line.split() == [
        *("2026-11-24", "12:00:00", "L-1", "Buritis", "102", "m²"),
        *("R$", "600.001", "R$", "480.000", "…", "781.000", "7"),
    ]
    assert names.index("model") == line.rindex("7")
    assert len(rule) == len(names)


def test_nothing_in_a_listing_breaks_the_table() -> None:
    (wide,) = encoder(Format.TABLE)(arrived(payload(1, listing_id="漢字" * 50 + "\x1b[31m\n"))).splitlines()
    (plain,) = encoder(Format.TABLE)(arrived(payload(1))).splitlines()

    assert "\x1b" not in wide
    assert wide.endswith(plain[plain.index("Buritis") :])


def test_json_lines_are_the_events_as_they_came() -> None:
    odd = b'{ "extra": 1,' + payload(1)[1:]

    assert encoder(Format.JSONL)(arrived(odd, payload(2))).encode() == odd + b"\n" + payload(2) + b"\n"


def test_an_event_written_over_several_lines_is_one_json_line() -> None:
    (line,) = encoder(Format.JSONL)(arrived(json.dumps(json.loads(payload(1)), indent=1).encode())).splitlines()

    assert json.loads(line)["id"] == "prediction-1"


def test_csv_has_a_header_and_a_line_a_prediction() -> None:
    text = header(Format.CSV) + encoder(Format.CSV)(arrived(payload(1, listing_id='a,"b"\n')))

    (row,) = csv.DictReader(io.StringIO(text))

    assert row["listing_id"] == 'a,"b"\n'
    assert (row["predicted_price"], row["low"], row["high"], row["coverage"]) == (
        "600001.0",
        "480000.0",
        "781000.0",
        "0.9",
    )
    assert (row["model"], row["version"], row["event_id"], row["rooms"]) == ("house-price", "7", "event-1", "")


def test_output_begins_with_its_header_and_flushes_each_batch() -> None:
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as reader, os.fdopen(write_end, "wb") as writer:
        Output(writer, Format.CSV).write(arrived(payload(1)))
        written = os.read(reader.fileno(), 10_000)

    assert written.startswith(b"id,time,")
    assert written.count(b"\n") == 2


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"", b""), (b'{"id":1}\n', b'{"id":1}\n'), (b'{"id":1}\n{"i', b'{"id":1}\n{"i\n')],
)
def test_a_line_that_a_killed_consumer_left_torn_does_not_spoil_the_next(
    tmp_path: Path, before: bytes, after: bytes
) -> None:
    file = tmp_path / "out.jsonl"
    file.write_bytes(before)
    with file.open("ab") as out:
        Output(out, Format.JSONL).write(arrived(payload(1)))

    assert file.read_bytes() == after + payload(1) + b"\n"


def test_csv_appended_to_a_file_has_one_header(tmp_path: Path) -> None:
    for number in (1, 2):
        with (tmp_path / "out.csv").open("ab") as out:
            Output(out, Format.CSV).write(arrived(payload(number)))

    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert [row["event_id"] for row in rows] == ["event-1", "event-2"]
