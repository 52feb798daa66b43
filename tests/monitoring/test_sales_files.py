import gzip
import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from lambdas.archive_bucket.reader import Archive
from listing_files.reading import Options
from monitoring.sales_files import Wrong, report
from terminal.errors import Failure, UsageFailure
from tests.listing_files.corpus import workbook
from tests.monitoring.markets import ARCHIVE

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HEADER = "listing_id,sale_price,sold_at\n"


@pytest.fixture
def bucket(s3):
    s3.create_bucket(Bucket=ARCHIVE)
    return s3


@pytest.fixture
def say(bucket, tmp_path):
    """Write a file and report it."""

    def say(text: str | bytes, name: str = "sales.csv", now: datetime = NOW):
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return report(path, bucket, ARCHIVE, now)

    return say


def stored(s3) -> dict[str, list[dict]]:
    found = s3.list_objects_v2(Bucket=ARCHIVE).get("Contents", [])
    bodies = {each["Key"]: s3.get_object(Bucket=ARCHIVE, Key=each["Key"])["Body"].read() for each in found}
    return {key: [json.loads(line) for line in body.splitlines()] for key, body in bodies.items()}


def known(s3) -> dict[str, float]:
    return {sale.listing_id: sale.sale_price for sale in Archive(s3, ARCHIVE).sales()}


def test_a_file_of_sales_becomes_one_object_of_the_documented_lines(bucket, say):
    outcome = say(HEADER + "L-1042,630000.0,2026-11-23T12:00:00Z\nL-7,1e5,2026-11-20\n")
    assert (outcome.reported, outcome.repeated, outcome.refused) == (2, 0, [])
    ((key, lines),) = stored(bucket).items()
    assert key == outcome.key
    assert key.startswith("sales/dt=2026-11-24/")
    assert key.endswith(".ndjson")
    assert lines == [
        {"listing_id": "L-1042", "sale_price": 630000.0, "sold_at": "2026-11-23T12:00:00Z"},
        {"listing_id": "L-7", "sale_price": 100000.0, "sold_at": "2026-11-20T00:00:00Z"},
    ]


def test_json_lines_say_the_same_as_csv(bucket, say):
    by_csv = say(HEADER + "L-1,5,2026-11-20T00:00:00-03:00\n")
    by_json = say('{"listing_id":"L-1","sale_price":5,"sold_at":"2026-11-20T03:00:00Z"}\n\n', "sales.jsonl")
    assert by_csv == by_json
    assert len(stored(bucket)) == 1


def test_columns_may_stand_in_any_order_and_others_are_ignored(bucket, say):
    say("\ufeffagent, sold_at ,sale_price,listing_id\nme,2026-11-20, 5 ,L-1\n")
    assert known(bucket) == {"L-1": 5.0}


WRONG = [
    ("L-1,-3,2026-11-20", "sale_price: expected a number > 0, got -3"),
    ("L-1,0,2026-11-20", "sale_price: expected a number > 0, got 0"),
    ("L-1,NaN,2026-11-20", "sale_price: required, but missing"),
    ("L-1,inf,2026-11-20", 'sale_price: expected a number, got "inf"'),
    ("L-1,1e999,2026-11-20", 'sale_price: expected a number, got "1e999"'),
    ("L-1,US$ 5,2026-11-20", 'sale_price: expected a number, got "US$ 5"'),
    ("L-1,99999999999,2026-11-20", "sale_price: expected a number <= 10000000000, got 99999999999"),
    ("L-1,5,yesterday", 'sold_at: expected a time such as 2026-11-23T12:00:00Z, got "yesterday"'),
    ("L-1,5,", "sold_at: required, but missing"),
    (",5,2026-11-20", "listing_id: required, but missing"),
    ("L-1,,2026-11-20", "sale_price: required, but missing"),
    ("L-1,5", "line 4: 2 values for 3 columns"),
]


@pytest.mark.parametrize(("row", "error"), WRONG)
def test_a_wrong_row_is_refused_by_line_field_and_value(bucket, say, row, error):
    outcome = say(f"{HEADER}L-8,5,2026-11-20\n\n{row}\nL-9,5,2026-11-20\n")
    assert outcome.refused == [Wrong(4, error)]
    assert known(bucket) == {"L-8": 5.0, "L-9": 5.0}


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("nonsense", "line 2: not one JSON object a line (JSON is malformed: invalid character (byte 4))"),
        ("[1]", "line 2: expected a JSON object, got b'[1]\\n'"),
        ('{"listing_id":"L","sale_price":true,"sold_at":"2026-11-20"}', "sale_price: expected a number, got true"),
        ('{"listing_id":["L"],"sale_price":5,"sold_at":"2026-11-20"}', "listing_id: expected text, got a list"),
    ],
)
def test_a_wrong_line_of_json_is_refused_by_line_field_and_value(bucket, say, line, error):
    assert say(f'{{"listing_id":"L-8","sale_price":5,"sold_at":"2026-11-20"}}\n{line}\n', "s.ndjson").refused == [
        Wrong(2, error)
    ]
    assert known(bucket) == {"L-8": 5.0}


def test_stray_quotes_take_no_sale_along_and_amounts_are_read_as_the_column_writes_them(bucket, say):
    outcome = say(HEADER + 'L-1,"5,2026-11-20\nL-2,6,2026-11-20\nL-3,7",2026-11-20\nL-4,8,2026-11-20\n')
    assert [each.line for each in outcome.refused] == [2, 4]
    assert known(bucket) == {"L-2": 6.0, "L-4": 8.0}
    say("listing_id;sale_price;sold_at\nL-5;R$ 450.000,00;2026-11-20\nL-6;1.250.000;2026-11-20\n")
    assert known(bucket)["L-5"] == 450_000.0
    assert known(bucket)["L-6"] == 1_250_000.0
    with pytest.raises(Failure, match=r"450\.000 may be 450000 or 450; say which .*--decimal"):
        say(HEADER + "L-7,450.000,2026-11-20\n")


def test_a_file_of_nothing_but_wrong_rows_writes_nothing(bucket, say):
    assert say(HEADER + "L-1,x,2026-11-20\n").key is None
    assert stored(bucket) == {}


def test_of_rows_about_one_listing_the_last_counts(bucket, say):
    outcome = say(HEADER + "L-1,5,2026-11-20\nL-2,5,2026-11-20\nL-1,6,2026-11-21\n")
    assert (outcome.reported, outcome.repeated) == (2, 1)
    assert known(bucket) == {"L-1": 6.0, "L-2": 5.0}


def test_the_same_file_reported_again_changes_nothing(bucket, say):
    say(HEADER + "L-1,5,2026-11-20\n")
    say(HEADER + "L-2,5,2026-11-20\n", now=NOW + timedelta(minutes=1))
    before = Archive(bucket, ARCHIVE).sales()
    say(HEADER + "L-1,5,2026-11-20\n", now=NOW + timedelta(hours=1))
    assert Archive(bucket, ARCHIVE).sales() == before


def test_a_later_report_about_a_listing_replaces_the_earlier_one_even_within_a_second(bucket, say):
    say(HEADER + "L-1,5,2026-11-20\nL-2,5,2026-11-20\n")
    say(HEADER + "L-1,6,2026-11-20\n", now=NOW + timedelta(milliseconds=1))
    assert known(bucket) == {"L-1": 6.0, "L-2": 5.0}


def test_an_old_report_made_again_counts_again(bucket, say):
    for number, price in enumerate([5, 6, 5]):
        say(f"{HEADER}L-1,{price},2026-11-20\n", now=NOW + timedelta(days=number))
    assert known(bucket) == {"L-1": 5.0}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("listing_id,price\nL-1,5\n", "no column sale_price, no column sold_at; found: listing_id, price"),
        ("", "empty, expected a header with listing_id and sale_price and sold_at"),
        (HEADER, "no rows"),
        (b"\xff\xfe", "empty"),
    ],
)
def test_a_file_that_cannot_be_read_fails_in_one_line_and_writes_nothing(bucket, say, text, error):
    with pytest.raises(Failure, match=error):
        say(text)
    assert stored(bucket) == {}


def test_a_sale_that_has_not_come_yet_is_refused(bucket, say):
    outcome = say(HEADER + "L-1,5,2030-01-01\nL-2,6,2026-11-20\n")
    assert outcome.reported == 1
    assert outcome.refused[0].error == 'sold_at: expected a time that has come, got "2030-01-01"'


def test_a_file_that_is_not_there_or_of_another_kind_fails(bucket, tmp_path):
    with pytest.raises(UsageFailure, match="no such file"):
        report(tmp_path / "none.csv", bucket, ARCHIVE, NOW)
    (tmp_path / "sales.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(Failure, match="not an Excel workbook"):
        report(tmp_path / "sales.xlsx", bucket, ARCHIVE, NOW)


def test_an_archive_that_does_not_take_it_fails(bucket, tmp_path):
    path = tmp_path / "sales.csv"
    path.write_text(HEADER + "L-1,5,2026-11-20\n")
    with pytest.raises(ClientError, match="NoSuchBucket"):
        report(path, bucket, "elsewhere", NOW)


@pytest.mark.parametrize("kind", ["xlsx", "parquet", "csv.gz"])
def test_sales_come_in_every_format_that_listings_come_in(bucket, tmp_path, kind):
    path = tmp_path / f"sales.{kind}"
    if kind == "xlsx":
        head = ("Código", "Preço de venda", "Data da venda")
        path.write_bytes(workbook(head, ("L-1", "R$ 450.000,00", "2026-11-20"), (17, 500_000, "2026-11-21")).content)
        options = Options(columns={"listing_id": "Código"})
    elif kind == "parquet":
        moments = [datetime(2026, 11, 20), datetime(2026, 11, 21)]  # noqa: DTZ001 - a table's, without a zone
        table = {"listing_id": ["L-1", "17"], "sale_price": [450_000, 500_000], "sold_at": moments}
        pq.write_table(pa.table(table), path)
        options = Options()
    else:
        path.write_bytes(gzip.compress((HEADER + "L-1,450000,2026-11-20\n17,500000,2026-11-21\n").encode()))
        options = Options()
    assert report(path, bucket, ARCHIVE, NOW, options=options).refused == []
    assert known(bucket) == {"L-1": 450_000.0, "17": 500_000.0}
