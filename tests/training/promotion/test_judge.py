import hashlib
import json
from dataclasses import replace

import numpy as np
import onnx
import pytest

from pricing.listing import Features
from pricing.model import load
from terminal.errors import Failure
from tests.champions import NEIGHBORHOODS, champion
from training.params import read_params
from training.promotion.contenders import Contender, Evidence, unseen
from training.promotion.judge import judge
from training.promotion.slices import slice_masks
from training.promotion.verdict_report import verdict_report
from training.registry.kept_listings import keep_evidence
from training.registry.models_bucket import ModelsBucket

KNOBS = read_params().judge
REFERENCE = {"rows": 100, "neighborhood": {"Buritis": 0.6, "Savassi": 0.4}}
INTERVAL = {"coverage": 0.9, "edges": [], "low": [-0.33], "high": [0.33]}


def contender(version="2", *, base=9.0, parity=1e-6, microseconds=5.0, size=500_000, low=-0.33):
    import msgspec

    from pricing.manifest import Offsets

    interval = Offsets(0.9, [], [low], [-low])
    made = champion(version, base=base, reference=REFERENCE, interval=interval)
    model = load(made.model, made.manifest)
    assert msgspec.to_builtins(model.manifest.interval)["low"] == [low]
    return Contender(version, model, size, parity, microseconds)


def evidence(n=600, noise=0.2, seed=0):
    """A market in which a tiny champion with base 9.0 is right but for noise."""
    draw = np.random.default_rng(seed)
    homes = [
        Features(neighborhood=str(draw.choice(["Buritis", "Savassi"])), area_m2=float(draw.integers(30, 300)))
        for _ in range(n)
    ]
    right = contender().model.log_prices(homes)
    return Evidence(homes, right + draw.normal(0, noise, n), np.array([f"g{i // 2}" for i in range(n)]))


def failed(verdict):
    return {check.name for check in verdict.checks if not check.passed}


def test_a_clearly_better_challenger_is_promoted_with_reasons():
    verdict = judge(contender("2"), contender("1", base=9.15), evidence(), KNOBS)
    assert verdict.promote
    assert verdict.reasons == []
    text = verdict_report(verdict)
    assert text.startswith("# Challenger 2 against champion 1: promote")
    for name in ("rmse", "mae", "median_ape", "r2", "bias", "coverage", "relative_width"):
        assert f"| {name} |" in text


def test_the_same_model_is_not_better_than_itself():
    verdict = judge(contender("2"), contender("1"), evidence(), KNOBS)
    assert failed(verdict) == {"better than the champion"}


def test_a_gain_that_may_be_chance_is_not_enough():
    assert failed(judge(contender("2"), contender("1", base=9.004), evidence(), KNOBS)) == {"better than the champion"}


def test_a_challenger_that_loses_on_one_slice_is_refused_although_it_is_better_on_the_whole():
    from training.promotion.judge import no_slice_suffers

    market = evidence()
    verdict = judge(contender("2"), contender("1", base=9.15), market, KNOBS)
    assert {each.name for each in verdict.slices} >= {"price: lowest third", "neighbourhood: 50 listings or more"}
    spoiled = [replace(each, challenger=each.champion * 1.06) for each in verdict.slices[:1]]
    assert not no_slice_suffers([*spoiled, *verdict.slices[1:]], KNOBS).passed
    small = [replace(each, rows=KNOBS.min_slice - 1) for each in spoiled]
    found = no_slice_suffers([*small, *verdict.slices[1:]], KNOBS)
    assert found.passed
    assert found.finding.endswith("; too small to judge: price: lowest third (49)")


def test_a_challenger_that_prices_new_neighbourhoods_at_random_is_refused_though_no_home_here_is_in_one():
    verdict = judge(lost_where_nobody_was(), contender("1", base=9.15), evidence(), KNOBS)
    assert failed(verdict) == {"no slice suffers"}
    assert "9 listings or fewer, as if never seen: error +" in verdict.reasons[0]
    assert "| neighbourhood: 9 listings or fewer, as if never seen | 600 | " in verdict_report(verdict)


def lost_where_nobody_was():
    """A challenger that is right in the neighbourhoods it knows, all small, and asks thrice the price elsewhere."""
    made = champion("2")
    graph = onnx.load_model_from_string(made.model)
    table = next(node for node in graph.graph.node if node.op_type == "LabelEncoder")
    next(each for each in table.attribute if each.name == "default_float").f += np.log(3)
    content = graph.SerializeToString()
    golden = [row for row in json.loads(made.manifest)["golden"] if row["features"]["neighborhood"] in NEIGHBORHOODS]
    changes = {"reference": REFERENCE | {"rows": 10}, "interval": INTERVAL, "golden": golden}
    manifest = champion("2", sha256=hashlib.sha256(content).hexdigest(), **changes).manifest
    return Contender("2", load(content, manifest), 500_000, 1e-6, 5.0)


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"parity": 2e-5}, "parity with scikit-learn"),
        ({"parity": None}, "parity with scikit-learn"),
        ({"microseconds": 1e3}, "time"),
        ({"size": 10**8}, "size"),
        ({"low": -0.2}, "coverage"),
        ({"low": -3.0}, "coverage"),
    ],
)
def test_a_better_challenger_that_breaks_another_promise_is_refused(change, check):
    verdict = judge(contender("2", **change), contender("1", base=9.15), evidence(), KNOBS)
    assert check in failed(verdict)
    assert not verdict.promote


def test_too_few_listings_decide_nothing():
    verdict = judge(contender("2"), contender("1", base=9.5), evidence(60), KNOBS)
    assert "enough unseen listings" in failed(verdict)


def test_the_first_challenger_has_nobody_to_beat_but_must_keep_its_promises():
    assert judge(contender("2"), None, evidence(), KNOBS).promote
    assert not judge(contender("2", low=-0.1), None, evidence(), KNOBS).promote


def test_chance_promotes_a_model_that_is_no_better_about_as_seldom_as_stated():
    """Challenger and champion err by the same amount to either side: on average nobody wins."""
    above, below = contender("2", base=9.05), contender("1", base=8.95)
    better = [
        "better than the champion" not in failed(judge(above, below, evidence(300, seed=seed), KNOBS))
        for seed in range(100)
    ]
    assert np.mean(better) < 0.13


class Runs:
    """A registry of which only the files of runs are asked."""

    def __init__(self):
        self.files = {}

    def keep(self, run_id, name, content):
        self.files[run_id, name] = content

    def read(self, run_id, name):
        return self.files.get((run_id, name))

    def find(self, version):
        return type("Version", (), {"run_id": version})


def test_groups_of_which_the_champion_saw_a_listing_are_left_out(encoded):
    runs = Runs()
    keep_evidence(runs, "challenger", encoded.training, encoded.test)
    half = np.arange(len(encoded.test.groups)) % 2 == 0
    keep_evidence(runs, "champion", encoded.test.take(half), encoded.training)
    assert len(unseen("challenger", None, runs).groups) == len(encoded.test.groups)
    left = unseen("challenger", "champion", runs)
    assert len(left.features) == len(left.log_price) == len(left.groups) > 0
    assert not set(left.groups) & set(encoded.test.groups[half])


def test_two_trainings_on_one_split_are_judged_on_the_whole_test_part(encoded):
    runs = Runs()
    keep_evidence(runs, "challenger", encoded.training, encoded.test)
    keep_evidence(runs, "champion", encoded.training, encoded.test)
    assert len(unseen("challenger", "champion", runs).groups) == len(encoded.test.groups)


def test_a_champion_of_which_nobody_knows_what_it_saw_cannot_be_beaten(encoded):
    runs = Runs()
    keep_evidence(runs, "challenger", encoded.training, encoded.test)
    with pytest.raises(Failure, match="version 1 cannot be judged"):
        unseen("challenger", "1", runs)


def test_the_verdict_is_stored_with_the_challenger_and_obeyed(encoded, s3):
    from tests.training.promotion.test_promote import Registry
    from training.promotion.auto_promotion import ask_the_judge, promote_judged
    from training.promotion.promote import promote

    registry, bucket = Registry(), ModelsBucket(s3, "models")
    for run in registry.files:
        keep_evidence(registry, run, encoded.training, encoded.test)
    promote("1", registry, bucket, "manual")
    verdict = ask_the_judge("2", registry, bucket, KNOBS)
    assert registry.read("run-1", "verdict.md").decode() == verdict_report(verdict)
    assert registry.tags["2"]["verdict"] != "promote"
    with pytest.raises(Failure, match="version 2 is not promoted: "):
        promote_judged(verdict, registry, bucket)
    assert bucket.champion()[0].version == "1"
    with pytest.raises(Failure, match="the champion already"):
        ask_the_judge("1", registry, bucket, KNOBS)


def test_a_champion_of_another_registry_is_not_taken_for_ours_of_the_same_number(encoded, s3):
    from tests.training.promotion.test_promote import Registry
    from training.promotion.auto_promotion import ask_the_judge

    registry, bucket = Registry(), ModelsBucket(s3, "models")
    for run in registry.files:
        keep_evidence(registry, run, encoded.training, encoded.test)
    champion("1", base=8.0).put(s3, "models")
    with pytest.raises(Failure, match="version 1 of another registry"):
        ask_the_judge("2", registry, bucket, KNOBS)


def test_slices_are_by_predicted_price_and_by_size_of_the_neighbourhood():
    homes = [
        Features(neighborhood=name, area_m2=50.0) for name in ("Buritis", "Rare", "New", "Buritis", "Middling", "New")
    ]
    market = Evidence(homes, np.zeros(6), np.arange(6).astype(str))
    reference = {"rows": 100, "neighborhood": {"Buritis": 0.6, "Rare": 0.09, "Middling": 0.31}}
    masks = {name: mask.tolist() for name, mask in slice_masks(np.arange(6.0), market, reference).items()}
    assert masks["price: lowest third"] == [True, True, False, False, False, False]
    assert masks["neighbourhood: 9 listings or fewer"] == [False, True, True, False, False, True]
    assert masks["neighbourhood: 10 to 49 listings"] == [False, False, False, False, True, False]
    assert masks["neighbourhood: 50 listings or more"] == [True, False, False, True, False, False]


def test_the_report_tells_every_figure_by_slice():
    text = verdict_report(judge(contender("2"), contender("1", base=9.15), evidence(), KNOBS))
    head = "| slice | listings | log error | rmse | mae | median_ape | bias | coverage | relative_width |"
    assert head in text
    assert "| price: lowest third | 200 | " in text
