"""Files of listings: what is read, and what is said of those that cannot be."""

import io
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from listing_files import reading
from listing_files.columns import Columns
from listing_files.listings import LISTINGS
from listing_files.market_file import find_market
from listing_files.reading import identify
from pricing.refusal import InvalidRecord
from terminal.errors import Failure, UsageFailure

KAGGLE = "address,adm-fees,garage-places,price,rooms,square-foot,neighborhood,city,latitude,longitude\n"
ROW = '"Rua Espírito Santo, 1171 ",,1,480000.0,2,45-65, Centro, Belo Horizonte ,-18.86,-41.12\n'


def file(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read_rows(path: Path | str, stdin: io.BytesIO | None = None, *, only_read: bool = False) -> Iterator[Any]:
    """Yield the rows of a file of listings with their numbers."""
    columns = Columns(*LISTINGS, find_market({}), {}, str(path))
    for row in reading.read_rows(path, columns, stdin=stdin, only_read=only_read):
        yield row.number, row.values


def unreadable() -> list[pa.Array]:
    """A time after the year 9999, and text that is not UTF-8."""
    text = pa.array([b"\xff"], pa.binary())
    return [pa.array([2**62], pa.timestamp("us")), pa.Array.from_buffers(pa.string(), 1, text.buffers())]


def test_csv_rows_are_numbered_and_stand_as_they_are(tmp_path: Path) -> None:
    (first, second) = read_rows(file(tmp_path, "listings.csv", KAGGLE + ROW + ROW))

    assert [first[0], second[0]] == [1, 2]
    assert first[1] == {
        "address": "Rua Espírito Santo, 1171 ",
        "adm-fees": "",
        "garage-places": "1",
        "price": "480000.0",
        "rooms": "2",
        "square-foot": "45-65",
        "neighborhood": " Centro",
        "city": " Belo Horizonte ",
        "latitude": "-18.86",
        "longitude": "-41.12",
    }


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_a_byte_order_mark_blank_lines_and_line_ends_of_either_kind_do_not_matter(
    tmp_path: Path, start: str, end: str
) -> None:
    text = f'{start}neighborhood,area_m2,address{end}{end}Centro,40,"a{end}b"{end}{end}Buritis,50,c'

    rows = list(read_rows(file(tmp_path, "listings.csv", text)))

    assert rows == [
        (1, {"neighborhood": "Centro", "area_m2": "40", "address": f"a{end}b"}),
        (2, {"neighborhood": "Buritis", "area_m2": "50", "address": "c"}),
    ]


def test_json_lines_keep_their_values_and_envelopes(tmp_path: Path) -> None:
    text = '{"square-foot":"45-65"}\n\n{"specversion":"1.0","data":{"area_m2":3e1}}\n'

    assert list(read_rows(file(tmp_path, "listings.jsonl", text))) == [
        (1, {"square-foot": "45-65"}),
        (2, {"specversion": "1.0", "data": {"area_m2": 30.0}}),
    ]


def test_parquet_rows_come_with_their_types(tmp_path: Path) -> None:
    table = pa.table({"neighborhood": ["Centro", "Buritis"], "area_m2": [40.0, None], "rooms": [2, 3]})
    pq.write_table(table, tmp_path / "listings.parquet")

    assert list(read_rows(tmp_path / "listings.parquet")) == [
        (1, {"neighborhood": "Centro", "area_m2": 40.0, "rooms": 2}),
        (2, {"neighborhood": "Buritis", "area_m2": None, "rooms": 3}),
    ]


@pytest.mark.parametrize("column", unreadable())
def test_parquet_columns_that_nobody_asked_for_are_not_looked_at(tmp_path: Path, column: pa.Array) -> None:
    table = pa.table({"neighborhood": ["Centro"], " area_m2 ": [40.0], "note": column})
    pq.write_table(table, tmp_path / "listings.parquet")

    rows = list(read_rows(tmp_path / "listings.parquet", only_read=True))

    assert rows == [(1, {"neighborhood": "Centro", " area_m2 ": 40.0})]


def test_parquet_that_holds_no_text_where_it_says_so_is_refused_and_a_time_beyond_the_calendar_is_its_number(
    tmp_path: Path,
) -> None:
    for column in unreadable():
        pq.write_table(
            pa.table({"neighborhood": ["Centro"], "area_m2": [40.0], "note": column}), tmp_path / "a.parquet"
        )
        if pa.types.is_timestamp(column.type):
            assert list(read_rows(tmp_path / "a.parquet")) == [
                (1, {"neighborhood": "Centro", "area_m2": 40.0, "note": 2**62})
            ]
        else:
            with pytest.raises(Failure, match="damaged after row 0"):
                list(read_rows(tmp_path / "a.parquet"))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"neighborhood,area_m2\nCentro,40\n", {"neighborhood": "Centro", "area_m2": "40"}),
        (b'\xef\xbb\xbf{"neighborhood":"Centro"}\n', {"neighborhood": "Centro"}),
        (b'  {"neighborhood":"Centro"}', {"neighborhood": "Centro"}),
    ],
)
def test_standard_input_is_known_by_its_first_character(content: bytes, expected: dict[str, object]) -> None:
    assert list(read_rows("-", io.BytesIO(content))) == [(1, expected)]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", b"", "empty, expected a header with neighborhood or bairro and area_m2 or square-foot"),
        (
            "a.csv",
            b"id,zone\n1,2\n",
            "no column neighborhood or bairro, no column area_m2 or square-foot; found: id, zone",
        ),
        ("a.csv", b"neighborhood:area_m2\n", "found: neighborhood:area_m2; is the delimiter another one? --delimiter"),
        ("a.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not a text file"),
        ("a.csv", b"PK\x03\x04more", "a zip archive"),
        ("a.csv.gz", b"\x1f\x8b\x08\x00damaged", "a.csv.gz"),
        ("a.csv", b"neighborhood,area_m2,area_m2 \nCentro,1,2\n", "the column area_m2 stands there more than once"),
        ("a.parquet", b"PAR1 but not really", "not a Parquet file"),
        ("a.parquet", b"", "not a Parquet file"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_in_one_line_with_the_place(
    tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    with pytest.raises(Failure) as failure:
        list(read_rows(file(tmp_path, name, content)))

    assert told in str(failure.value)
    assert name in str(failure.value)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize(
    ("name", "content", "told", "good"),
    [
        ("a.csv", b"neighborhood,area_m2\nCentro\nA,1\n", {1: "line 2: 1 values for 2 columns"}, [2]),
        ("a.csv", b"neighborhood,area_m2\nA,1\nB,1,2\n", {2: "line 3: 3 values for 2 columns"}, [1]),
        ("a.csv", b'neighborhood,area_m2\n"A,1\nB,2\nC,3\n', {1: "line 2: not CSV"}, [2, 3]),
        ("a.csv", b'neighborhood,area_m2\nA,1\n"B",2\n"C"x,3\nD,4\n', {3: "line 4: not CSV"}, [1, 2, 4]),
        ("a.csv", b'neighborhood,area_m2\n"A,1\nB,2\n"C",3\n', {1: "line 2: not CSV"}, [2, 3]),
        ("a.csv", b'neighborhood,area_m2\n"A,1\nB,2\n\nC,3\nD",4\nE,5\n', {1: "line 2: not CSV"}, [2, 3, 4, 5]),
        ("a.csv", b'neighborhood,area_m2\nA,"1\nB,--\nC,3"\n', {1: "line 2: not CSV (a stray quote"}, [2, 3]),
        (
            "a.csv",
            b'address,neighborhood,area_m2\n"x, y","A,1\nb,B,2\nc,C",3\n"d, e",D,4\n',
            {1: "line 2: not CSV"},
            [2, 3, 4],
        ),
        (
            "a.csv",
            b"neighborhood,area_m2\n\xc3\x81,1\nGam\xe9,2\nC,3\n",
            {2: "line 3: not UTF-8 (byte 0xe9 at 3)"},
            [1, 3],
        ),
        (
            "a.csv",
            b'neighborhood,area_m2\n"A,1\n\xc3\x81,2\nGam\xe9,2\nD,4\n',
            {1: "line 4: not UTF-8 (byte 0xe9 at 3)", 3: "line 4: not UTF-8 (byte 0xe9 at 3)"},
            [2, 4],
        ),
        ("a.jsonl", b'{"a":1}\n{"a":\n{"a":2}\n', {2: "line 2: not one JSON object a line"}, [1, 3]),
        ("a.jsonl", b'{"a":1}\n\n{"a":NaN}\n', {2: "line 3: not one JSON object a line"}, [1]),
        ("a.jsonl", b'{"a":"\xc3\x81"}\n{"a":"\xff"}\n', {2: "line 2: not one JSON object a line"}, [1]),
        ("a.jsonl", b"[" * 100_000 + b'\n{"a":1}', {1: "line 1: not one JSON object a line"}, [2]),
        ("a.jsonl", b'[{"a":1}]\n', {1: "line 1: expected a JSON object, got b'[{"}, []),
        ("a.json", b'[{"a":1}, 2, {"a":3}]\n', {2: "row 2: expected a JSON object, got 2"}, [1, 3]),
    ],
)
def test_a_row_that_cannot_be_read_is_told_with_its_line_and_takes_no_other_with_it(
    tmp_path: Path, name: str, content: bytes, told: dict[int, str], good: list[int]
) -> None:
    rows = dict(read_rows(file(tmp_path, name, content)))

    broken = {number: str(row) for number, row in rows.items() if isinstance(row, InvalidRecord)}
    assert broken.keys() == told.keys()
    assert all(text in broken[number] for number, text in told.items())
    assert [number for number in rows if number not in broken] == good


@pytest.mark.parametrize(
    "address", ["Rua X, 12\nBairro Y", "Rua X\n\nSavassi, BH, MG", "Rua X\r\nY, Z", "a,b\nc,d,e\nf", "a\rb\nc"]
)
def test_a_quoted_address_of_several_lines_is_one_row(tmp_path: Path, address: str) -> None:
    text = f'neighborhood,area_m2,address\nCentro,40,"{address}"\nSion,50,\n'

    rows = [row for _, row in read_rows(file(tmp_path, "a.csv", text))]

    assert rows[0] == {"neighborhood": "Centro", "area_m2": "40", "address": address}
    assert rows[1] == {"neighborhood": "Sion", "area_m2": "50", "address": ""}


def test_parquet_without_the_columns_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"zone": ["Centro"]}), tmp_path / "listings.parquet")

    with pytest.raises(Failure, match="found: zone"):
        list(read_rows(tmp_path / "listings.parquet"))


@pytest.mark.parametrize(("name", "told"), [("missing.csv", "no such file"), (".", "a directory")])
def test_a_path_that_names_no_file_is_the_caller_s_mistake(tmp_path: Path, name: str, told: str) -> None:
    for read in (lambda path: list(read_rows(path)), identify):
        with pytest.raises(UsageFailure, match=told):
            read(tmp_path / name)


def test_what_can_be_read_only_once_is_refused_before_it_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")

    with pytest.raises(UsageFailure, match=r"pipe\.csv: not a file that can be read twice; `-` reads standard input"):
        identify(tmp_path / "pipe.csv")


def test_the_identity_of_a_file_is_its_content(tmp_path: Path) -> None:
    first = identify(file(tmp_path, "a.csv", KAGGLE + ROW))

    assert identify(file(tmp_path, "b.csv", KAGGLE + ROW)) == first
    assert identify(file(tmp_path, "c.csv", KAGGLE + ROW + " ")).sha256 != first.sha256


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, suffix: str) -> None:
    header, row = (KAGGLE, ROW) if suffix == "csv" else ("", '{"neighborhood":"Centro","area_m2":40}\n')
    path = file(tmp_path, f"large.{suffix}", header + 20_000 * row)

    tracemalloc.start()
    rows = sum(1 for _ in read_rows(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert rows == 20_000
    assert peak < 1_000_000
