"""Refused rows: kept with line, column, value and reason, and what they mean for the exit code."""

import csv
import json

import pytest

from belo.score.price_file import open_folder, score_file
from listing_files.reading import identify
from listing_files.rejects import HEADER, Reading, Rejects
from stream_producer.listing_events import ListingEvents
from terminal.errors import UsageFailure
from tests.champions import champion
from tests.market import MARKET
from training.data.listings import read_listings

TEXT = (
    "Bairro,Área,Preço\nSavassi,big,1\nSavassi,80,1,9\n"
    + "".join(f"Centro,{80 + n % 50},{500_000 + n}\n" for n in range(120))
    + ",90,1\n"
)
KEPT = [
    ("2", "Área", "big", 'area_m2: expected a number, got "big"'),
    ("3", "", "", "line 3: 4 values for 3 columns"),
    ("124", "Bairro", "", "neighborhood: required, but missing"),
]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "listings.csv"
    path.write_text(TEXT)
    return path


def kept(path):
    with path.open(newline="") as content:
        rows = list(csv.DictReader(content))
    assert all(json.loads(row["row"]) is not None for row in rows)
    return [tuple(row[name] for name in HEADER[:4]) for row in rows]


def test_every_command_keeps_the_same_rows_with_line_column_value_and_reason(file, tmp_path, capsys):
    made, folder = champion("1"), tmp_path / "model"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(made.model)
    (folder / "manifest.json").write_bytes(made.manifest)
    out = tmp_path / "rejects.csv"

    with Rejects(keep=out) as rejects:
        events = ListingEvents(
            file,
            identify(file).sha256,
            market=MARKET,
            on_invalid=lambda read, error: rejects.refuse(read, error, events.rows.columns),
        )
        list(events)
    assert kept(out) == KEPT

    with Rejects(keep=out) as rejects:
        reading = Reading(MARKET, rejects=rejects)
        score_file(file, tmp_path / "out.csv", open_folder(folder), lambda _: None, reading)
    assert kept(out) == KEPT

    with Rejects(keep=out) as rejects:
        read_listings(file, Reading(MARKET, rejects=rejects))
    assert kept(out) == KEPT
    assert 'line 2 is not sent: area_m2: expected a number, got "big"' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("limit", "allowed", "told"),
    [
        (None, 0, "3 rows were refused; --max-invalid 3 lets that pass"),
        (None, None, ""),
        (2, None, "3 rows were"),
        (3, 0, ""),
    ],
)
def test_refused_rows_fail_a_command_unless_so_many_may_be(file, limit, allowed, told):
    rejects = Rejects(limit=limit)
    with rejects:
        read_listings(file, Reading(MARKET, rejects=rejects))
    assert told in rejects.verdict(str(file), allowed=allowed)
    assert bool(rejects.verdict(str(file), allowed=allowed)) == bool(told)


def test_a_place_that_takes_no_file_is_said_before_anything_is_read(tmp_path):
    with pytest.raises(UsageFailure, match="--rejects"), Rejects(keep=tmp_path / "none" / "a.csv"):
        pass
