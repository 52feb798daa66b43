import json
import shutil

import pytest
from typer.testing import CliRunner

from belo.cli import app
from terminal.errors import Failure
from terminal.stack import Stack
from tests.champions import champion
from training.registry.mlflow_registry import DEFAULT_STORE
from training.registry.models_bucket import ModelsBucket


@pytest.fixture
def belo(tmp_path, monkeypatch, params, empty_store):
    """Run `belo` in an empty folder, with small knobs and no stack."""
    monkeypatch.chdir(tmp_path)
    DEFAULT_STORE.parent.mkdir()
    shutil.copy(empty_store, DEFAULT_STORE)
    for name in ("DATA", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("training.params.read_params", lambda **_: params)

    def run(*arguments):
        result = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result

    return run


@pytest.fixture
def stack(s3, monkeypatch):
    class Here:
        models_bucket = "models"

        def client(self, service):
            assert service == "s3"
            return s3

        def place(self, name):
            return name

    monkeypatch.setattr(Stack, "find", classmethod(lambda cls, environ: Here()))


def test_a_model_lives_from_a_file_to_the_stack_and_back(belo, stack, s3, sample, tmp_path):
    first = belo("train", sample, "--quick")
    assert "version 1" in first.stdout
    assert "1,500 rows" in first.stderr
    assert first.stderr.splitlines()[-2:] == ["fit: 1 of 1", "register: 1 of 1"]
    assert belo("promote").stdout == "champion: version 1\n"
    learnt = ModelsBucket(s3, "models").learnt_homes("1")
    assert learnt is not None
    assert len(learnt.streets) > 500
    belo("train", sample, "--quick", "--seed", 8)
    assert belo("promote", 2).stdout == "champion: version 2 (before: 1)\n"
    overview = json.loads(belo("models", "--json").stdout)
    assert [(each["version"], each["aliases"]) for each in overview["versions"]] == [("2", ["champion"]), ("1", [])]
    assert overview["serving"]["version"] == "2"
    assert overview["disagreement"] is None
    assert belo("rollback").stdout == "champion: version 1 (before: 2)\n"
    assert json.loads(belo("models", "--json").stdout)["versions"][1]["aliases"] == ["champion"]
    belo("score", sample, "-o", tmp_path / "scored.parquet")
    assert (tmp_path / "scored.parquet").stat().st_size > 10_000
    with pytest.raises(Failure, match="version 2 is not promoted: better than the champion: mean absolute log error"):
        belo("promote", 2, "--auto")
    assert belo("promote", 1, "--auto").stdout == "champion: version 1 (before: 2)\n"


def test_evaluate_prints_the_figures_that_programs_read_and_nothing_else(belo, sample):
    document = json.loads(belo("evaluate", sample, "--json").stdout)
    assert set(document) == {"model", "population", "test", "splits", "baseline", "ratio_study", "classes", "behaviour"}
    assert set(document["model"]) == {"version"}
    assert set(document["population"]) == {"rule", "rows"}
    figures = {"rows", "rmse", "mae", "median_ape", "r2", "bias", "coverage", "relative_width"}
    assert set(document["test"]) == figures | {"coverage_by_price_tercile"}
    assert set(document["splits"]) == {
        "n",
        "rmse",
        "median_ape",
        "r2",
        "coverage",
        "relative_width",
        "coverage_by_price_tercile",
    }
    assert set(document["baseline"]) == {"rmse", "median_ape", "r2"}
    assert document["model"]["version"] is None
    assert document["splits"]["n"] == 2
    assert document["splits"]["median_ape"] < document["baseline"]["median_ape"]
    assert len(document["test"]["coverage_by_price_tercile"]) == 3
    study = document["ratio_study"]
    assert set(study) == {"splits", "test", "iaao_limits"}
    assert set(study["splits"]) == {"median_ratio", "cod", "prd", "prb", "mki", "within_10", "within_20"}
    assert (
        study["test"]["n"] == document["test"]["rows"] == sum(each["n"] for each in study["test"]["by_price_tercile"])
    )
    assert study["test"]["prd"]["low"] < study["test"]["prd"]["value"] < study["test"]["prd"]["high"]
    assert study["iaao_limits"]["prd"] == [0.98, 1.03]
    for part in ("splits", "test"):
        found = document["classes"][part]
        assert set(found["by_class"]) == {*"ABCDE"}
        assert sum(each["share"] for each in found["by_class"].values()) == pytest.approx(1)
        assert set(found["coverage_by"]) == {"neighborhood_listings", "area_quarter", "price_tercile"}
    belo("train", sample, "--quick")
    assert json.loads(belo("evaluate", sample, "--json").stdout)["model"]["version"] == "1"


def test_without_a_file_the_generated_sample_serves_and_says_so(belo):
    result = belo("train", "--quick")
    assert "generated sample (no real listing in it)" in " ".join(result.stderr.split())


def test_models_without_a_stack_shows_the_registry_and_says_why(belo):
    result = belo("models")
    assert "no stack" in result.stderr
    assert "version" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("train", "nowhere.csv"), "nowhere.csv: no such file"),
        (("evaluate", "nowhere.csv"), "nowhere.csv: no such file"),
        (("promote",), "no version is registered"),
        (("promote", "7"), "no version 7 of house-price"),
        (("rollback",), "nothing to roll back"),
        (("score", "nowhere.csv"), "no champion was promoted yet"),
        (("score", "nowhere.csv", "--model", "nowhere"), "nowhere: no model"),
    ],
)
def test_what_cannot_work_is_one_clear_line(belo, stack, arguments, said):
    with pytest.raises(Failure, match=said) as failure:
        belo(*arguments)
    assert "\n" not in str(failure.value)


def test_score_takes_the_champion_of_the_stack(belo, stack, s3, sample):
    champion("1").put(s3, "models")
    lines = belo("score", sample).stdout.splitlines()
    assert len(lines) == 1_501
    assert lines[0].endswith("predicted_price,low,high,confidence,warnings,error")
