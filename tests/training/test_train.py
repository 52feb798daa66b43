import signal

import msgspec
import pytest

from pricing.manifest import Manifest
from pricing.model import load
from terminal.errors import Failure
from tests.training.killed_process import Killed, Life
from training.data.frames import FIELDS
from training.data.listings import read_listings
from training.data.sample import write_sample
from training.evaluation.search import BLIND
from training.export.onnx_model import predict_onnx
from training.model.cores import Cores
from training.params import Params
from training.promotion.promote import newest
from training.registry.kept_listings import LEARNT, TEST_ROWS
from training.train import test_of_version as _test_of_version
from training.train import train


def figures_of_version(*arguments):
    version, found = _test_of_version(*arguments)
    assert found.pop("ratio_study")["n"] == found["rows"]
    assert set(found.pop("classes")) == {"by_class", "coverage_by"}
    assert 0 < found.pop("behaviour")["homes"] <= found["rows"]
    return version, found


@pytest.fixture(scope="module")
def trained(data, params, registry):
    search = msgspec.structs.replace(params.search, trials=2, min_gain=0.0)
    worse = msgspec.structs.replace(params.boosting, learning_rate=0.04)  # than what is tried
    searched = msgspec.structs.replace(params, search=search, boosting=worse)
    stages = []
    manifest = train(data, searched, registry, lambda stage, steps: stages.append(stage))
    return manifest, stages


def runs(registry, manifest):
    client = registry._client
    parent = client.get_run(manifest.mlflow_run_id)
    experiment = [parent.info.experiment_id]
    return parent, client.search_runs(experiment, f"tags.mlflow.parentRunId = '{parent.info.run_id}'")


def test_a_training_registers_a_version_that_serving_accepts(registry, trained):
    manifest, _ = trained
    model, document = registry.artefacts(registry.find(manifest.version))
    assert load(model, document).manifest == manifest == msgspec.json.decode(document, type=Manifest)
    assert {column.name for column in manifest.inputs} == set(FIELDS)
    assert len(manifest.golden) > 20
    assert manifest.generated_data


def test_a_run_keeps_what_an_auditor_asks_for(registry, trained):
    manifest, _ = trained
    parent, _ = runs(registry, manifest)
    assert parent.info.status == "FINISHED"
    assert parent.data.metrics["median_ape"] == manifest.metrics["median_ape"]
    assert parent.data.metrics["parity"] < 1e-5
    assert parent.data.tags["data_sha256"] == manifest.data_sha256
    assert len(parent.data.tags["population_sha256"]) == 64
    assert parent.inputs.dataset_inputs[0].dataset.digest == manifest.data_sha256[:32]
    for name in ("cleaning.md", "card.md", "candidates.md", "params.yaml", TEST_ROWS, LEARNT):
        assert registry.read(parent.info.run_id, name)
    for name in (
        "residuals",
        "error_by_price",
        "error_by_neighborhood",
        "importance",
        "error_against_cost",
        "confidence",
        "ratio_by_price",
    ):
        assert registry.read(parent.info.run_id, f"plots/{name}.png").startswith(b"\x89PNG")


def test_a_run_says_the_parameters_that_its_model_was_trained_with(registry, trained, params):
    parent, _ = runs(registry, trained[0])
    found = msgspec.yaml.decode(registry.read(parent.info.run_id, "params.yaml"), type=Params)
    assert found.boosting.learning_rate not in (0.04, params.boosting.learning_rate)
    for name in ("leaves", "learning_rate", "min_samples_leaf", "l2", "max_features"):
        assert parent.data.params[f"boosting.{name}"] == str(getattr(found.boosting, name))
    assert parent.data.params["kernel.gamma"] == str(found.kernel.gamma)
    assert parent.data.params["encoding.folds"] == str(params.encoding.folds)


def test_the_model_card_tells_coverage_where_the_model_is_weak(registry, trained, encoded):
    manifest, _ = trained
    model, _ = registry.artefacts(registry.find(manifest.version))
    rare = ~encoded.test.frame["neighborhood"].isin(_frequent(encoded.training.frame["neighborhood"]))
    predicted = predict_onnx(model, encoded.test.frame, manifest.interval)
    held = predicted.holds(encoded.test.log_price)[rare].mean()
    card = registry.read(manifest.mlflow_run_id, "card.md").decode()
    assert "| intervals hold |" in card
    (line,) = (line for line in card.splitlines() if line.startswith("| neighbourhoods with fewer than 10 listings |"))
    assert line.endswith(f" | {held:.1%} |")


def _frequent(names):
    counts = names.value_counts()
    return counts.index[counts >= 10]


def test_the_model_is_kept_as_onnx_with_signature_and_example_and_no_pickle(registry, trained):
    manifest, _ = trained
    files = {each.path for each in registry._client.list_artifacts(manifest.mlflow_run_id, "model")}
    assert {"model/model.onnx", "model/manifest.json", "model/MLmodel", "model/input_example.json"} <= files
    assert not [name for name in files if name.endswith((".pkl", ".pickle", ".joblib", ".data"))]
    described = registry.read(manifest.mlflow_run_id, "model/MLmodel").decode()
    assert "signature" in described
    assert '"neighborhood"' in described
    assert "log_price" in described
    assert "expected_error" in described


def test_candidates_and_trials_are_nested_runs(registry, trained):
    manifest, stages = trained
    _, children = runs(registry, manifest)
    kinds = [child.data.tags["kind"] for child in children]
    assert kinds.count("candidate") == stages.count("candidates") == 5
    assert kinds.count("trial") == stages.count("search") == 2
    assert all(child.info.status == "FINISHED" and child.data.metrics for child in children)


def test_the_new_version_is_the_challenger(registry, trained):
    manifest, _ = trained
    found = registry.find(manifest.version)
    assert found.aliases == ("challenger",)
    assert {"data_sha256", "code_version", "median_ape", "parity", "seed"} <= set(found.tags)


@pytest.mark.slow
def test_two_trainings_with_the_same_data_and_seed_give_the_same_model_and_figures(data, params, registry):
    one, again = (train(data, params, registry) for _ in range(2))
    assert one.sha256 == again.sha256
    assert one.metrics == again.metrics
    assert one.interval == again.interval
    assert one.golden == again.golden
    other = train(data, msgspec.structs.replace(params, seed=params.seed + 1), registry)
    assert other.sha256 != one.sha256


def test_a_training_gives_the_same_model_and_figures_on_one_core_and_on_three(tmp_path, params, registry):
    data = read_listings(write_sample(tmp_path / "few.csv", 500, seed=11), generated=True)
    few = msgspec.structs.replace(params, search=msgspec.structs.replace(params.search, trials=BLIND + 2))
    quick = msgspec.structs.replace(few, boosting=msgspec.structs.replace(few.boosting, iterations=4))
    three = Cores(3)
    try:
        assert all(wait_for(each) for each in three._helpers)
        one, other = (train(data, quick, registry, cores=cores) for cores in (Cores(), three))
    finally:
        three.end()
    left_out = {"version", "created_at", "mlflow_run_id"}
    alone, together = ({**msgspec.to_builtins(each), **dict.fromkeys(left_out)} for each in (one, other))
    assert alone == together
    assert tried(registry, one) == tried(registry, other)
    assert len(tried(registry, one)) == BLIND + 2


def wait_for(helper):
    while not helper.ready():
        pass
    return helper


def tried(registry, manifest):
    """Return the knobs and the error of each trial, in their order."""
    _, children = runs(registry, manifest)
    trials = sorted(
        (each for each in children if each.data.tags["kind"] == "trial"), key=lambda each: each.info.start_time
    )
    return [(each.data.params, each.data.metrics) for each in trials]


def test_an_error_on_another_core_is_the_trainings_own_and_leaves_a_failed_run(data, params, registry):
    broken = msgspec.structs.replace(params, boosting=msgspec.structs.replace(params.boosting, leaves=1))
    alone, two = (error_of(data, broken, registry, count) for count in (1, 2))
    assert alone == two
    assert "max_leaf_nodes" in alone[1]
    assert newest_run(registry).info.status == "FAILED"


def error_of(data, params, registry, count):
    cores = Cores(count)
    try:
        with pytest.raises(ValueError) as caught:  # noqa: PT011 - what it says is asserted
            train(data, params, registry, cores=cores)
    finally:
        cores.end()
    assert [each._process.poll() for each in cores._helpers] == [-signal.SIGKILL] * (count - 1)
    return type(caught.value), str(caught.value)


def newest_run(registry):
    experiment = registry._client.get_experiment_by_name("house-price").experiment_id
    return registry._client.search_runs([experiment], order_by=["attributes.start_time DESC"], max_results=1)[0]


@pytest.fixture(scope="module")
def whole(data, params, registry):
    """The newest version, and what its training wrote."""
    life = Life()
    return train(data, params, life.of(registry)), life.writes


def test_the_figures_of_a_version_are_those_of_the_file_that_serves(data, params, registry, whole):
    manifest, _ = whole
    assert figures_of_version(data, params, registry) == (manifest.version, manifest.metrics)


def test_a_version_is_measured_on_what_its_training_set_aside_whatever_would_be_set_aside_today(
    data, params, registry, whole
):
    manifest, _ = whole
    today = msgspec.structs.replace(params, split=msgspec.structs.replace(params.split, test_share=0.5))
    assert figures_of_version(data, today, registry) == (manifest.version, manifest.metrics)


def test_a_training_killed_before_its_manifest_leaves_a_version_that_is_neither_promoted_nor_measured(
    data, params, registry, whole
):
    manifest, writes = whole
    life = Life(writes.index("register") + 1)
    with pytest.raises(Killed):
        train(data, params, life.of(registry))
    killed = registry.versions()[0]
    assert int(killed.version) == int(manifest.version) + 1
    assert not registry.finished(killed)
    assert newest(registry) == manifest.version == figures_of_version(data, params, registry)[0]


def test_a_file_that_no_version_was_trained_on_is_fitted_and_has_no_version(data, params, registry):
    version, figures = figures_of_version(data, msgspec.structs.replace(params, seed=99), registry)
    assert version is None
    assert figures["rows"] > 100


def test_a_training_that_fails_leaves_a_failed_run_and_no_version(data, params, registry):
    before = len(registry.versions())
    impossible = msgspec.structs.replace(params, export=msgspec.structs.replace(params.export, parity=0.0))
    with pytest.raises(Failure, match="no export: ONNX and scikit-learn differ"):
        train(data, impossible, registry)
    assert len(registry.versions()) == before
    assert newest_run(registry).info.status == "FAILED"
