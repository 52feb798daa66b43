import csv
import io
import json
import tracemalloc

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from belo.score.price_file import ADDED, CHUNK, open_champion, open_folder, priced, score_file
from listing_files import parquet_writer
from listing_files.listings import LISTINGS, ListingReader, ReadRow, RowReader
from pricing.listing import Features
from terminal.errors import Failure, UsageFailure
from tests.champions import champion
from tests.market import MARKET
from training.registry.models_bucket import ModelsBucket

COLUMNS = ["neighborhood", "square-foot", "rooms", "price", "note"]
ROWS = [
    [" Buritis", "102", "3", "999999", "as it is"],
    ["Savassi", "45-65", "2-3", "", "a range"],
    ["", "100", "2", "5", "no neighbourhood"],
    ["Savassi", "--", "2", "5", "no area"],
    ["Lourdes", "1e5", "--", "5", "vast"],
]


@pytest.fixture
def model(tmp_path):
    made = champion("1")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(made.model)
    (folder / "manifest.json").write_bytes(made.manifest)
    return open_folder(folder)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in.csv"
    with path.open("w", newline="") as out:
        csv.writer(out).writerows([COLUMNS, *ROWS])
    return path


def score(source, output, model):
    count = score_file(source, output, model, lambda rows: None)
    return count, pd.read_csv(output, dtype=str, keep_default_na=False)


def test_one_row_in_is_one_row_out_in_order_with_all_its_columns(source, tmp_path, model):
    count, out = score(source, tmp_path / "out.csv", model)
    assert (count.rows, count.refused) == (5, 2)
    assert list(out.columns) == [*COLUMNS, *ADDED]
    assert out[COLUMNS].to_numpy().tolist() == ROWS


def test_prices_are_those_of_the_model_and_refused_rows_say_why(source, tmp_path, model):
    _, out = score(source, tmp_path / "out.csv", model)
    homes = [Features(neighborhood="Buritis", area_m2=102.0, rooms=3), Features(neighborhood="Savassi", area_m2=55.0)]
    expected = model.predict(homes)
    assert out["predicted_price"][:2].astype(float).tolist() == expected.price.tolist()
    assert out["low"][:2].astype(float).tolist() == expected.low.tolist()
    assert out["high"][:2].astype(float).tolist() == expected.high.tolist()
    assert out["error"].tolist() == [
        "",
        "",
        "neighborhood: required, but missing",
        "area_m2: required, but missing",
        "",
    ]
    assert out["predicted_price"][2:4].tolist() == ["", ""]


def test_the_price_is_never_read(source, tmp_path, model):
    other = tmp_path / "other.csv"
    frame = pd.read_csv(source, dtype=str, keep_default_na=False)
    frame.assign(price="nonsense").to_csv(other, index=False)
    assert score(source, tmp_path / "a.csv", model)[1][list(ADDED)].equals(
        score(other, tmp_path / "b.csv", model)[1][list(ADDED)]
    )


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_every_format_gives_the_same_prices(source, tmp_path, model, kind):
    _, expected = score(source, tmp_path / "out.csv", model)
    frame = pd.read_csv(source, dtype=str, keep_default_na=False)
    same, out = tmp_path / f"in.{kind}", tmp_path / f"out.{kind}"
    if kind == "jsonl":
        frame.to_json(same, orient="records", lines=True)
        score_file(same, out, model, lambda rows: None)
        found = pd.read_json(out, lines=True, dtype=False)
    else:
        frame.assign(rank=np.arange(5, dtype=np.int16)).to_parquet(same)
        score_file(same, out, model, lambda rows: None)
        found = pd.read_parquet(out)
        assert found["rank"].dtype == np.int16
    prices = pd.to_numeric(expected["predicted_price"])
    np.testing.assert_array_equal(found["predicted_price"].astype(float), prices)
    assert found["error"].fillna("").tolist() == expected["error"].tolist()


def test_an_event_as_it_stands_on_the_stream_is_priced_as_its_listing(tmp_path, model):
    data = {"listing_id": "L-1", "neighborhood": "Buritis", "area_m2": 102.0, "rooms": 3}
    event = {"specversion": "1.0", "id": "e", "source": "/m", "type": "listing.submitted", "data": data}
    source = tmp_path / "events.jsonl"
    source.write_text("".join(f"{json.dumps(row)}\n" for row in (data, event, event | {"type": "other"})))
    score_file(source, tmp_path / "out.jsonl", model, lambda rows: None)
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert found[0]["predicted_price"] == found[1]["predicted_price"] > 0
    assert found[2]["error"].startswith("type: expected")


def test_memory_does_not_grow_with_the_file(model):
    listings = ListingReader(RowReader("none", LISTINGS, MARKET), MARKET, strict=False)

    def rows(count):
        found = ({"neighborhood": "Buritis", "area_m2": 50.0 + i % 100} for i in range(count))
        return (ReadRow(i, i, each, each) for i, each in enumerate(found))

    def peak(count):
        tracemalloc.start()
        try:
            assert sum(len(chunk.read) for chunk in priced(rows(count), listings, model)) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()  # what runs after it would be slow

    peak(CHUNK)
    assert peak(10 * CHUNK) < 1.5 * peak(2 * CHUNK)


def test_the_output_appears_only_when_it_is_whole(source, tmp_path, model):
    def full(_: int) -> None:
        raise OSError("no space left on device")

    with pytest.raises(Failure, match="no space left"):
        score_file(source, tmp_path / "out.csv", model, full)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "model"]


def test_an_output_of_no_known_format_is_refused_before_anything_is_read(source, tmp_path, model):
    with pytest.raises(UsageFailure, match="which format"):
        score_file(source, tmp_path / "out.xlsx", model, lambda rows: None)


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_row_that_cannot_be_read_comes_out_at_its_place_with_its_error_alone(source, tmp_path, model, suffix):
    lines = source.read_text().splitlines(keepends=True)
    source.write_text("".join([*lines[:2], "too,few\n", *lines[2:]]))
    output = tmp_path / f"out.{suffix}"
    assert score_file(source, output, model, lambda rows: None).rows == len(ROWS) + 1
    read = {"csv": pd.read_csv, "jsonl": lambda file: pd.read_json(file, lines=True), "parquet": pd.read_parquet}
    table = read[suffix](output)
    assert table["error"][1] == "line 3: 2 values for 5 columns"
    assert table.drop(columns="error").loc[1].isna().all()
    assert table["predicted_price"].notna().tolist()[:3] == [True, False, True]


def test_json_lines_that_differ_in_their_fields_fit_a_table_where_the_first_chunk_names_them_all(tmp_path, model):
    source = tmp_path / "in.jsonl"
    rows = [
        {"neighborhood": "Buritis", "area_m2": 50},
        *[{"neighborhood": "Buritis", "area_m2": 50, "more": 1}] * (CHUNK - 1),
    ]
    source.write_text("\n".join(map(json.dumps, rows)))
    assert score_file(source, tmp_path / "out.csv", model, lambda rows: None).rows == CHUNK
    source.write_text("\n".join(map(json.dumps, [*rows, {"neighborhood": "Buritis", "area_m2": 50, "late": 1}])))
    with pytest.raises(Failure, match=r"not among the first rows' columns: late; write JSON Lines"):
        score_file(source, tmp_path / "out.csv", model, lambda rows: None)
    assert score_file(source, tmp_path / "out.jsonl", model, lambda rows: None).rows == CHUNK + 1


def json_rows(path, *values):
    home = {"neighborhood": "Buritis", "area_m2": 50}
    path.write_text("\n".join(json.dumps(home | {"note": value}) for value in values))
    return path


@pytest.mark.parametrize(
    ("first", "later"),
    [(62, 62.7), (3, None), (None, "text"), (2**60 + 1, 3), ({"a": 1, "b": 2}, {"a": 1, "b": None})],
)
def test_values_of_json_lines_stand_in_parquet_as_they_are_however_late_they_come(tmp_path, model, first, later):
    source = json_rows(tmp_path / "in.jsonl", *CHUNK * [first], later)
    score_file(source, tmp_path / "out.parquet", model, lambda rows: None)
    assert pq.read_table(tmp_path / "out.parquet")["note"].to_pylist() == [*CHUNK * [first], later]


@pytest.mark.parametrize(
    ("first", "later"), [(None, 3), ("3", 3), (3, True), (3, 2**60 + 1), ({"a": 1}, {"a": 1, "b": 2}), ([1], [1.5])]
)
def test_a_value_that_a_parquet_column_cannot_hold_as_it_is_fails_by_name(tmp_path, model, first, later):
    source = json_rows(tmp_path / "in.jsonl", *CHUNK * [first], later)
    with pytest.raises(Failure, match=r"^not the first rows' types: note: .*; write JSON Lines"):
        score_file(source, tmp_path / "out.parquet", model, lambda rows: None)
    assert score_file(source, tmp_path / "out.jsonl", model, lambda rows: None).rows == CHUNK + 1


def test_columns_of_parquet_go_over_as_they_are_whatever_their_types_and_row_groups(tmp_path, model, monkeypatch):
    monkeypatch.setattr(parquet_writer, "ROWS_A_GROUP", 3_000)
    source, count = tmp_path / "in.parquet", 2 * CHUNK + 1
    table = pa.table(
        {
            "neighborhood": pa.array(["Buritis", "Savassi", None] * count).slice(0, count).dictionary_encode(),
            "area_m2": pa.array(range(count), pa.decimal128(9, 2)),
            "seen": pa.array(range(count), pa.timestamp("ns", "America/Sao_Paulo")),
            "before the calendar": pa.array([-(2**60)] * count, pa.timestamp("us")),
            "tags": pa.array([[{"a": 1}], None, []] * count).slice(0, count),
            "photo": pa.array([b"\0\xff"] * count, pa.large_binary()),
        }
    )
    pq.write_table(table, source, row_group_size=777)
    assert score_file(source, tmp_path / "out.parquet", model, lambda rows: None).rows == count
    written = pq.read_table(tmp_path / "out.parquet")
    assert written.select(table.column_names).equals(table)
    assert written["error"].null_count == count - count // 3 - 1  # an area of 0, and no neighbourhood


def test_a_parquet_file_that_is_damaged_further_on_is_named_and_leaves_no_output(tmp_path, model):
    source, count = tmp_path / "in.parquet", 2 * CHUNK
    notes = [str(number) for number in range(count)]
    table = pa.table({"neighborhood": ["Buritis"] * count, "area_m2": [50.0] * count, "note": notes})
    pq.write_table(table, source, row_group_size=CHUNK, use_dictionary=False, compression="none")
    whole = source.read_bytes()
    place = pq.ParquetFile(source).metadata.row_group(1).column(2).data_page_offset
    source.write_bytes(whole[:place] + b"\xff" * 40 + whole[place + 40 :])
    with pytest.raises(Failure, match=r"in\.parquet: damaged"):
        score_file(source, tmp_path / "out.parquet", model, lambda rows: None)
    assert not list(tmp_path.glob("*out*"))


def test_without_an_output_json_lines_go_to_standard_output_as_json_lines(source, tmp_path, model, monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr("sys.stdout", out)
    score_file(source, None, model, lambda rows: None)
    assert out.getvalue().startswith(",".join([*COLUMNS, *ADDED]))


def test_a_champion_or_a_folder_that_cannot_be_served_is_one_clear_failure(s3, tmp_path):
    bucket = ModelsBucket(s3, "models")
    with pytest.raises(Failure, match="no champion was promoted yet"):
        open_champion(bucket)
    champion("4").put(s3, "models")
    assert open_champion(bucket).manifest.version == "4"
    s3.put_object(Bucket="models", Key="house-price/versions/4/model.onnx", Body=b"spoiled")
    with pytest.raises(Failure, match=r"champion 4: model\.onnx: expected sha256"):
        open_champion(bucket)
    with pytest.raises(Failure, match=r"no model: .*model\.onnx"):
        open_folder(tmp_path)
