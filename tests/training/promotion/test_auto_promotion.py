import pytest

from terminal.errors import Failure
from tests.champions import champion
from tests.training.promotion.small_market import KNOBS
from tests.training.registry.registry_in_memory import RegistryOfThree
from training.promotion.auto_promotion import ask_the_judge, promote_judged
from training.promotion.promote import promote
from training.promotion.verdict_report import verdict_report
from training.registry.kept_listings import keep_learnt, keep_test
from training.registry.models_bucket import ModelsBucket


def test_the_verdict_is_stored_with_the_challenger_and_obeyed(encoded, s3):
    registry, bucket = RegistryOfThree(), ModelsBucket(s3, "models")
    for run in registry.files:
        keep_learnt(registry, run, encoded.training.frame)
        keep_test(registry, run, encoded.test)
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
    registry, bucket = RegistryOfThree(), ModelsBucket(s3, "models")
    for run in registry.files:
        keep_learnt(registry, run, encoded.training.frame)
        keep_test(registry, run, encoded.test)
    champion("1", base=8.0).put(s3, "models")
    with pytest.raises(Failure, match="version 1 of another registry"):
        ask_the_judge("2", registry, bucket, KNOBS)
