"""Market files: what they must say, and what is said of those that do not."""

import json
from pathlib import Path

import msgspec
import pytest

from listing_files.market_file import MARKETS, find_market, read_market
from pricing.market import Market
from terminal.errors import Failure, UsageFailure
from tests.market import MARKET
from training.market_cli import schema_text

ROOT = Path(__file__).parents[2]


def write(folder: Path, **changes: object) -> Path:
    path = folder / "a.yaml"
    document = msgspec.to_builtins(MARKET) | changes
    path.write_bytes(msgspec.yaml.encode({name: value for name, value in document.items() if value is not None}))
    return path


def test_the_market_is_the_one_that_is_named_else_the_only_one(tmp_path):
    assert find_market({}).name == "belo-horizonte"
    assert (
        find_market({"BELO_MARKET": "belo-horizonte"}) == find_market({"BELO_MARKET": str(write(tmp_path))}) == MARKET
    )
    with pytest.raises(UsageFailure, match="BELO_MARKET=atlantis: no such market; there are belo-horizonte"):
        find_market({"BELO_MARKET": "atlantis"})
    (tmp_path / "b.yaml").write_bytes((tmp_path / "a.yaml").read_bytes())
    with pytest.raises(UsageFailure, match=r"which market.*BELO_MARKET: one of a, b"):
        find_market({}, tmp_path)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"currency": "reais"}, r"currency: .*\^\[A-Z\]\{3\}\$"),
        ({"box": {"latitude": [1, 0], "longitude": [0, 1]}}, "box.latitude: expected from < to, got 1 and 0"),
        ({"population": {"price": [-5, 5], "area_m2": [1, 2]}}, "population.price: expected numbers > 0"),
        ({"namesake_km": 0}, "namesake_km: expected a number > 0, got 0"),
        ({"curency": "BRL"}, "unknown field `curency`"),
        ({"city": None}, "missing required field `city`"),
        ({"columns": {"Floor": {"type": "number"}}}, "columns.Floor: expected a name of a-z, 0-9 and _"),
        ({"columns": {"rooms": {"type": "number"}}}, "columns.rooms: every listing has this field"),
        ({"columns": {"floor": {"type": "whole"}}}, "columns"),
        ({"columns": {"floor": {"type": "number", "limits": [2, 1]}}}, "columns.floor.limits: expected from < to"),
        ({"headers": {"surface": ["area"]}}, "headers.surface: no such field; there are listing_id"),
        ({"exchange": [{"name": "euros", "rate": [2, 1]}]}, "exchange.euros: expected from < to"),
    ],
)
def test_a_wrong_market_file_is_refused_by_field_and_value(tmp_path, changes, told):
    with pytest.raises(Failure, match=told) as failure:
        read_market(write(tmp_path, **changes))
    assert "\n" not in str(failure.value)


def test_a_market_file_that_is_no_yaml_is_refused(tmp_path):
    (tmp_path / "a.yaml").write_text("name: [")
    with pytest.raises(Failure, match=r"a\.yaml: "):
        read_market(tmp_path / "a.yaml")


@pytest.mark.parametrize(
    "path",
    sorted([*MARKETS.glob("*.yaml"), *(ROOT / "examples" / "markets").glob("*.yaml")]),
    ids=lambda path: path.stem,
)
def test_every_market_file_is_whole_and_says_where_its_centre_is(path):
    market = read_market(path)
    assert market.name == path.stem
    assert market.contains(market.centre.latitude, market.centre.longitude)
    assert 100 < market.km_a_degree.latitude < 112
    assert msgspec.json.decode(msgspec.json.encode(market), type=Market) == market


def test_the_schema_in_the_documentation_is_the_code_s():
    path = ROOT / "docs" / "market.schema.json"
    assert path.read_text() == schema_text(), "belo market schema > docs/market.schema.json"
    assert "currency" in json.loads(path.read_text())["$defs"]["Market"]["properties"]
