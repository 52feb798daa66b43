import re

import numpy as np
import pandas as pd
import pytest

from listing_files.reading import Options
from listing_files.rejects import Reading
from terminal.errors import Failure
from tests.market import MARKET
from training.data.listings import read_listings
from training.data.sample import COLUMNS

HOME = {
    "address": "Rua A, 1 ",
    "adm-fees": "450.0",
    "garage-places": "2",
    "price": "600000.0",
    "rooms": "3",
    "square-foot": "100",
    "neighborhood": " Buritis",
    "city": " Belo Horizonte ",
    "latitude": "-19.97",
    "longitude": "-43.96",
}
FILLING = 120  # good rows, so that the file is not refused


def write(tmp_path, *changes, columns=COLUMNS):
    rows = [HOME | {"address": f"Rua {i}"} for i in range(FILLING)] + [HOME | change for change in changes]
    path = tmp_path / "listings.csv"
    pd.DataFrame(rows, columns=list(columns)).to_csv(path, index=False)
    return path


def counts(data):
    return {rule.rule: rule.rows for rule in data.report.rules}


def test_an_optional_value_that_cannot_be_read_is_unknown_and_said_and_a_strict_reading_drops_the_row(tmp_path):
    path = write(tmp_path, {"rooms": "three", "adm-fees": "20000000", "latitude": "-23.543.138", "city": ""})
    said = []
    data = read_listings(path, Reading(MARKET, warn=said.append))
    row = data.frame.iloc[-1]
    assert len(data.frame) == FILLING + 1
    assert row[["rooms", "adm_fees", "latitude"]].isna().all()
    first = f"1 value could not be read and counts as unknown; the first on line {FILLING + 2}: expected a number"
    assert said == [
        f'rooms: {first}, got "three"',
        f'latitude: {first} with the decimal mark ., got "-23.543.138"',
        f'adm_fees: {first} <= 10000000, got "20000000"',
    ]
    strict = read_listings(path, Reading(MARKET, Options(strict=True)))
    assert (len(strict.frame), counts(strict)["no listing: rooms"]) == (FILLING, 1)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"price": "3900.0"}, "price below 100,000"),
        ({"price": "4000001"}, "price above 4,000,000"),
        ({"price": ""}, "price unknown"),
        ({"price": "sob consulta"}, "price unknown"),
        ({"square-foot": "19"}, "area below 20 m²"),
        ({"square-foot": "20000"}, "area above 1,000 m²"),
        ({"square-foot": "0"}, "no listing: area_m2"),
        ({"square-foot": "--"}, "no listing: area_m2"),
        ({"neighborhood": ""}, "no listing: neighborhood"),
        ({"neighborhood": " I"}, "neighbourhood slip"),
        ({"city": " Nova Lima "}, "another city"),
    ],
)
def test_a_row_outside_the_population_is_dropped_and_counted_at_its_rule(tmp_path, change, rule):
    data = read_listings(write(tmp_path, change))
    assert counts(data)[rule] == 1
    assert len(data.frame) == FILLING
    assert (data.report.rows_in, data.report.rows_out) == (FILLING + 1, FILLING)


@pytest.mark.parametrize("price", ["100000", "4000000"])
@pytest.mark.parametrize("area", ["20", "1000"])
def test_the_limits_of_the_population_belong_to_it(tmp_path, price, area):
    assert len(read_listings(write(tmp_path, {"price": price, "square-foot": area})).frame) == FILLING + 1


def test_unknown_fields_and_odd_values_stay_in_and_are_counted(tmp_path):
    odd = {"rooms": "--", "garage-places": "--", "adm-fees": "1.0", "latitude": "-18.86", "square-foot": "45-65"}
    data = read_listings(write(tmp_path, odd))
    row = data.frame.iloc[-1]
    assert np.isnan(row["rooms"])
    assert np.isnan(row["garage_places"])
    assert row["adm_fees"] == 1.0  # what it means is for the model to say, in serving too
    assert row["area_m2"] == 55.0
    assert touched(data, "range|rooms|20 BRL|metropolitan") == [1, 1, 1, 1]
    assert touched(data, "20,000 BRL|4 km") == [0, 0]


def test_fees_a_thousand_times_too_big_and_streets_of_the_same_name_are_counted_and_kept(tmp_path):
    far = {"latitude": "-19.80"}  # 19 km from the centre of Buritis, and in the box
    data = read_listings(write(tmp_path, {"adm-fees": "450000.0"}, far))
    assert touched(data, "20,000 BRL|4 km") == [1, 1]
    assert len(data.frame) == FILLING + 2


def touched(data, pattern):
    return [rule.rows for rule in data.report.rules if not rule.dropped and re.search(pattern, rule.rule)]


def test_a_broken_row_is_one_row_and_takes_no_other_with_it(tmp_path):
    path = write(tmp_path)
    lines = path.read_text().splitlines(keepends=True)
    lines[10] = lines[10].replace("Rua", '"Rua')  # a quote that nobody closes
    lines[20] = lines[20].replace("Buritis", "Buritis,")
    path.write_text("".join(lines))
    data = read_listings(path)
    assert counts(data)["no listing: broken row"] == 2
    assert (data.report.rows_in, data.report.rows_out) == (FILLING, FILLING - 2)


def test_every_row_in_is_dropped_once_or_stays(data):
    dropped = sum(rule.rows for rule in data.report.rules if rule.dropped)
    assert data.report.rows_in == dropped + data.report.rows_out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "empty"),
        (",".join(COLUMNS) + "\n", "no listings"),
        ("a,b\n1,2\n", "no column neighborhood or bairro, no column area_m2"),
        ("neighborhood,square-foot\n1,2\n", "no column price or preço"),
        (",".join(c for c in COLUMNS if c != "price") + "\n1,2,3,4,5,6,7,8,9\n", "no column price or preço;"),
    ],
)
def test_a_file_that_holds_no_listings_is_refused_with_the_reason(tmp_path, content, said):
    path = tmp_path / "wrong.csv"
    path.write_text(content)
    with pytest.raises(Failure, match=said) as refused:
        read_listings(path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_whose_rows_mostly_fail_is_refused_with_the_worst_rule(tmp_path):
    rents = [{"price": "2500"}] * (FILLING + 1)
    with pytest.raises(Failure, match=r"only 120 of 241 rows .*121 fail at: price below 100,000"):
        read_listings(write(tmp_path, *rents))


def test_a_missing_or_binary_file_is_refused(tmp_path):
    with pytest.raises(Failure, match="no such file"):
        read_listings(tmp_path / "nowhere.csv")
    (tmp_path / "picture.csv").write_bytes(b"\x89PNG\xff\xfe\x00")
    with pytest.raises(Failure, match="not a text file"):
        read_listings(tmp_path / "picture.csv")


def test_canonical_column_names_serve_as_well(tmp_path):
    names = {"square-foot": "area_m2", "garage-places": "garage_places", "adm-fees": "adm_fees"}
    path = write(tmp_path)
    same = tmp_path / "canonical.csv"
    pd.read_csv(path, dtype=str).rename(columns=names).to_csv(same, index=False)
    pd.testing.assert_frame_equal(read_listings(same).frame, read_listings(path).frame)


def test_prices_in_thousands_are_refused_with_the_figure_that_shows_it(tmp_path):
    path = write(tmp_path)
    table = pd.read_csv(path, dtype=str)
    table.assign(price="600").to_csv(path, index=False)
    with pytest.raises(Failure, match=r"120 fail at: price below 100,000; the median price is 600 BRL"):
        read_listings(path)


def test_three_columns_make_a_file_and_what_is_unknown_everywhere_is_said(tmp_path):
    path = tmp_path / "three.csv"
    path.write_text("bairro,area,preco\n" + "".join(f"Centro,{50 + n},{400_000 + n}\n" for n in range(150)))
    data = read_listings(path)
    assert (data.report.rows_in, data.report.rows_out) == (150, 150)
    assert data.doubts == (
        "100.0% of the homes are in one neighbourhood, centro: of others a model learns nothing",
        "unknown for every home, and nothing is learnt from it: rooms, garage_places, adm_fees, latitude, street",
        "no column for the city: every row counts as Belo Horizonte",
    )


def test_more_homes_than_are_learnt_from_are_sampled_and_said(tmp_path):
    path = write(tmp_path, *({"address": f"Rua {n}", "price": str(500_000 + n)} for n in range(200)))
    whole, some, again = read_listings(path), read_listings(path, most=150), read_listings(path, most=150)
    assert (len(whole.frame), len(some.frame), some.report.rows_out) == (320, 150, 320)
    assert some.doubts[0] == "320 homes are more than are learnt from: a sample of 150 is taken"
    pd.testing.assert_frame_equal(some.frame, again.frame)
    assert 0.3 < (some.frame["price"] != 600_000).mean() < 0.9
