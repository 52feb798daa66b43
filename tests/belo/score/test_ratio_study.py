"""`belo ratio-study`: a model's prices held against those of a file."""

import json

import pytest
from typer.testing import CliRunner

from belo.cli import app
from tests.champions import champion, price


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(champion("1").model)
    (folder / "manifest.json").write_bytes(champion("1").manifest)
    return folder


def listings(tmp_path, factor=lambda said: 1.0, rows=120):
    path = tmp_path / "listings.csv"
    lines = ["bairro,area,preco"]
    for number in range(rows):
        place, area = ("Buritis", "Savassi")[number % 2], 40 + number
        said = price(place, float(area))
        lines.append(f"{place},{area},{said * factor(said):.2f}")
    path.write_text("\n".join(lines) + "\nBuritis,50,2500\n,50,500000\n")
    return path


def study(path, model):
    asked = CliRunner().invoke(app, ["ratio-study", str(path), "--model", str(model), "--json"])
    assert asked.exit_code == 0, asked.stderr
    return json.loads(asked.stdout)


def test_prices_that_a_model_states_itself_are_perfect_and_rents_are_left_out(tmp_path, model):
    found = study(listings(tmp_path), model)
    assert (found["n"], found["left_out"], found["model"]) == (120, 2, "1")
    assert found["cod"]["value"] == pytest.approx(0.0, abs=1e-3)
    assert found["prd"]["value"] == pytest.approx(1.0, abs=1e-3)
    assert set(found["by_neighborhood"]) == {"buritis", "savassi"}
    assert [each["n"] for each in found["by_price_tercile"]] == [40, 40, 40]


def test_prices_that_favour_dear_homes_are_said_to_be_regressive(tmp_path, model):
    path = listings(tmp_path, lambda said: (said / 500_000) ** 0.5)
    found = study(path, model)
    assert {"prd", "prb", "mki"} <= set(found["outside_iaao"]) or found["prd"]["value"] > 1.0
    told = CliRunner().invoke(app, ["ratio-study", str(path), "--model", str(model)])
    assert "regressive: too high at the bottom, too low at the top" in " ".join(told.stdout.split())


def test_a_few_listings_make_no_study(tmp_path, model):
    asked = CliRunner().invoke(app, ["ratio-study", str(listings(tmp_path, rows=20)), "--model", str(model)])
    assert asked.exit_code == 1
    assert "20 listings with a price; 30 are needed" in str(asked.exception)
