from tests.training.registry.registry_in_memory import RegistryOfThree
from training.promotion.promote import promote, rollback
from training.registry.models_bucket import ModelsBucket
from training.retraining.history import history


def test_what_a_retraining_promoted_is_told_once_and_the_first_champion_too(promoted):
    pointers = ModelsBucket(promoted.s3, promoted.models).champions()
    assert [each.version for each in pointers] == ["1", "2"]
    entries = history(promoted.records(), pointers)
    assert [(each.kind, each.champion_after) for each in entries] == [("promotion", "1"), ("drift", "2")]


def test_the_history_tells_promotions_and_rollbacks_apart(s3):
    registry, bucket = RegistryOfThree(), ModelsBucket(s3, "models")
    s3.put_bucket_versioning(Bucket="models", VersioningConfiguration={"Status": "Enabled"})
    promote("1", registry, bucket, "manual")
    promote("2", registry, bucket, "auto")
    rollback(bucket)
    for version in ("2", "3", "1", "3"):
        promote(version, registry, bucket, "manual")

    pointers = bucket.champions()
    trained_at = {each: f"2026-11-0{each}T00:00:00+00:00" for each in "123"}
    moves = [(each.verdict, each.champion_before, each.champion_after) for each in history([], pointers, trained_at)]

    assert moves == [
        ("promoted", None, "1"),
        ("promoted", "1", "2"),
        ("rolled back", "2", "1"),
        ("promoted", "1", "2"),
        ("promoted", "2", "3"),
        ("promoted", "3", "1"),
        ("promoted", "1", "3"),
    ]
    assert bucket.trained_at("12").keys() == {"1", "2"}
