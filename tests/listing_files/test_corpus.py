"""Files as the world writes them, through publish, score and train alike: read right, or refused with the reason."""

import json
from pathlib import Path

import pytest

from belo.score.price_file import open_folder, score_file
from listing_files.reading import Options, identify
from listing_files.rejects import Reading
from pricing.listing import Features, decode
from stream_producer.listing_events import ListingEvents
from terminal.errors import Failure
from tests.champions import champion
from tests.listing_files.corpus import HOMES, LEFT_OUT, PRICES, READ, REFUSED, UNREAD, Case
from tests.market import MARKET
from training.data import listings
from training.data.listings import read_listings


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    made = champion("1")
    folder = tmp_path_factory.mktemp("model")
    (folder / "model.onnx").write_bytes(made.model)
    (folder / "manifest.json").write_bytes(made.manifest)
    return open_folder(folder)


def written(case: Case, folder: Path) -> tuple[Path, Options]:
    path = folder / f"listings{case.suffix}"
    path.write_bytes(case.content)
    return path, Options(**case.options)


def published(path: Path, options: Options):
    refused, warned = {}, []
    events = ListingEvents(
        path,
        identify(path).sha256,
        market=MARKET,
        options=options,
        on_invalid=lambda read, error: refused.setdefault(read.line, str(error)),
    )
    found = [decode(record.data).data for record in events]
    events.rows.sum_up(warned.append)
    return [(each.neighborhood, each.area_m2, each.rooms) for each in found], refused, warned


def scored(path: Path, options: Options, model):
    out, warned = path.parent / "out.jsonl", []
    score_file(path, out, model, lambda rows: None, Reading(MARKET, options, warn=warned.append))
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    return [row["predicted_price"] for row in rows], [row["error"] for row in rows], warned


def trained(path: Path, options: Options, monkeypatch):
    monkeypatch.setattr(listings, "MIN_ROWS", 1)
    monkeypatch.setattr(listings, "MIN_SHARE", 0)
    said = []
    data = read_listings(path, Reading(MARKET, options, warn=said.append))
    frame = data.frame
    homes = list(zip(frame["written_neighborhood"], frame["area_m2"], frame["rooms"], frame["price"], strict=True))
    return homes, data.report, said


def test_the_corpus_is_large_enough():
    assert len(READ) + len(REFUSED) + len(LEFT_OUT) + len(UNREAD) >= 60


@pytest.mark.parametrize("name", READ)
def test_a_file_is_read_alike_by_all_commands(tmp_path, model, monkeypatch, name):
    path, options = written(READ[name], tmp_path)
    homes, refused, warned = published(path, options)
    assert homes == HOMES
    assert (refused, [each for each in warned if "could not" in each]) == ({}, [])
    prices, errors, _ = scored(path, options, model)
    assert errors == [None] * 3
    assert prices == pytest.approx([scored_price(model, *home) for home in homes])
    found, report, _ = trained(path, options, monkeypatch)
    inside = [(*home, price) for home, price in zip(homes, PRICES, strict=True) if home[1] <= 1_000]
    assert found == inside
    assert report.rows_in == 3


def scored_price(model, place, area, rooms):
    return float(model.predict([Features(neighborhood=place, area_m2=area, rooms=rooms)]).price[0])


def test_a_code_is_a_name_where_a_table_keeps_it_as_a_number(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"zipcode": 98178, "sqft_living": 1180, "price": 221900}\n')
    ((place, area, _),), refused, _ = published(path, Options(columns={"neighborhood": "zipcode"}))
    assert (place, round(area, 2), refused) == ("98178", 109.63, {})


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_be_read_right_is_refused_by_all_commands_with_one_sentence(
    tmp_path, model, monkeypatch, name
):
    case, told = REFUSED[name]
    path, options = written(case, tmp_path)
    for read in (
        lambda: published(path, options),
        lambda: scored(path, options, model),
        lambda: trained(path, options, monkeypatch),
    ):
        with pytest.raises(Failure) as failure:
            read()
        assert told in str(failure.value)
        assert "\n" not in str(failure.value)
        assert str(path) in str(failure.value)
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("name", LEFT_OUT)
def test_a_row_that_cannot_be_read_is_left_out_by_all_commands_with_its_reason(tmp_path, model, monkeypatch, name):
    case, told = LEFT_OUT[name]
    path, options = written(case, tmp_path)
    homes, refused, _ = published(path, options)
    assert refused.keys() == told.keys()
    assert all(words in refused[line] for line, words in told.items())
    prices, errors, _ = scored(path, options, model)
    assert (prices.count(None), len(homes)) == (len(told), len(prices) - len(told))
    assert next(iter(told.values())) in errors[prices.index(None)]
    _, report, _ = trained(path, options, monkeypatch)
    assert sum(rule.rows for rule in report.rules if rule.rule.startswith("no listing")) == len(told)


@pytest.mark.parametrize("name", UNREAD)
def test_an_optional_value_that_cannot_be_read_is_unknown_and_said_by_all_commands(tmp_path, model, monkeypatch, name):
    case, told = UNREAD[name]
    path, options = written(case, tmp_path)
    homes, refused, warned = published(path, options)
    assert (len(homes), refused) == (3, {})
    prices, _, by_score = scored(path, options, model)
    assert None not in prices
    _, _, by_train = trained(path, options, monkeypatch)
    assert all(any(told in each for each in said) for said in (warned, by_score, by_train))
    strict = Options(**case.options, strict=True)
    assert len(published(path, strict)[0]) == 2
