"""A market file drafted from listings: what is measured, what is guessed, and that the draft can be trained on."""

import msgspec
import pytest
from typer.testing import CliRunner

from belo.cli import app
from listing_files.market_file import read_market
from listing_files.reading import Options
from listing_files.rejects import Reading
from terminal.errors import Failure
from tests.other_markets import FILES, homes
from training.data.listings import read_listings
from training.data.market_draft import Named, draft


def drafted(folder, name, **named):
    said = []
    options = Options(columns=named.pop("columns", {}))
    market = draft(FILES[name](folder), Named(name, None, named.pop("currency"), **named), options, said.append)
    return market, "\n".join(said)


def test_box_population_columns_and_city_are_those_of_the_file_and_guesses_are_said(tmp_path):
    market, said = drafted(tmp_path, "fortaleza", currency="BRL", decimal=",")
    frame = homes("fortaleza").frame
    assert market.city == "Fortaleza"
    assert market.population.price[0] < frame["price"].quantile(0.01)
    assert market.population.price[1] > frame["price"].quantile(0.99)
    assert market.population.area_m2[0] < frame["area"].quantile(0.01)
    assert market.columns.keys() == {"tipo", "banheiros"}
    assert market.columns["banheiros"].type == "number"
    assert (market.columns["tipo"].type, market.columns["tipo"].names) == ("text", ("Tipo",))
    for guess in ("the city is Fortaleza, as most rows say", "the box is the whole world", "further features"):
        assert f"guessed: {guess}" in said or guess in said
    data = read_listings(tmp_path / "fortaleza.csv", Reading(market))
    assert data.report.rows_out > 0.95 * data.report.rows_in


def test_places_make_the_box_and_square_feet_are_suspected(tmp_path):
    named = {"neighborhood": "LOCATIONNAME", "area_m2": "CONSTRUCTEDAREA", "rooms": "ROOMNUMBER"}
    market, _ = drafted(tmp_path, "madrid", currency="EUR", columns=named)
    assert market.contains(40.417, -3.703)
    assert market.box.latitude[1] - market.box.latitude[0] < 0.2
    assert market.headers == {name: (column,) for name, column in named.items()}
    feet = {"area_m2": "GrLivArea", "price": "SalePrice"}
    _, said = drafted(tmp_path, "ames", currency="USD", columns=feet)
    assert "are these square feet? --area-unit sqft" in said
    market, said = drafted(tmp_path, "ames", currency="USD", area_unit="sqft", columns=feet)
    assert "square feet?" not in said
    assert market.population.area_m2[1] < 500


def test_a_file_with_too_few_rows_makes_no_market(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("bairro,area,preco\nCentro,80,100000\n")
    with pytest.raises(Failure, match="1 prices and 1 areas; 20 are needed"):
        draft(path, Named("a", None, "BRL"), Options(), print)


def test_the_command_writes_a_file_that_can_be_read_back_and_checked(tmp_path):
    file, out = FILES["fortaleza"](tmp_path), tmp_path / "fortaleza.yaml"
    asked = ["market", "new", "fortaleza", "--from", str(file), "--currency", "brl", "-o", str(out)]
    assert CliRunner().invoke(app, asked).exit_code == 0
    assert read_market(out).currency == "BRL"
    assert CliRunner().invoke(app, ["market", "check", str(out)]).exit_code == 0
    assert "$defs" in msgspec.json.decode(CliRunner().invoke(app, ["market", "schema"]).stdout)
    wrong = CliRunner().invoke(app, ["market", "new", "A B", "--from", str(file), "--currency", "BRL"])
    assert wrong.exit_code != 0
