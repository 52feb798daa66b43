"""Promotion and rollback, disturbed in every way: nobody ever reads half a champion."""

import threading

import pytest

from pricing.manifest import CHAMPION_KEY, manifest_key, model_key
from pricing.model import load
from terminal.errors import Failure
from tests.training.killed_process import Killed, Life
from tests.training.registry.registry_in_memory import RegistryOfThree, version
from training.promotion.promote import ExpectedChampion, newest, promote, record_rollback, rollback
from training.registry.models_bucket import ModelsBucket
from training.registry.overview import overview

BUCKET = "models"


@pytest.fixture
def registry():
    return RegistryOfThree()


@pytest.fixture
def bucket(s3):
    return ModelsBucket(s3, BUCKET)


def serving(bucket):
    """What a reader that follows the pointer loads; it must always load."""
    found = bucket.champion()
    if found is None:
        return None
    model = load(*bucket.get_version(found[0].version))
    assert model.manifest.version == found[0].version
    return found[0].version


def test_a_promotion_uploads_the_version_and_moves_pointer_and_alias(registry, bucket, s3):
    pointer = promote("1", registry, bucket, "manual")
    assert (pointer.version, pointer.previous, pointer.promoted_by) == ("1", None, "manual")
    assert serving(bucket) == "1" == registry.aliases["champion"]
    stored = s3.get_object(Bucket=BUCKET, Key=model_key("1"))["Body"].read()
    assert stored == version(1).model
    assert promote("2", registry, bucket, "auto").previous == "1"
    assert registry.tags["2"]["promoted_at"] == bucket.champion()[0].promoted_at


def test_a_promoted_challenger_is_no_challenger_any_more(registry, bucket):
    registry.point("challenger", "2")
    promote("2", registry, bucket, "auto")
    assert registry.aliases == {"champion": "2"}


def test_promoting_the_champion_again_changes_nothing(registry, bucket):
    promote("1", registry, bucket, "manual")
    first = promote("2", registry, bucket, "manual")
    assert promote("2", registry, bucket, "manual") == first


def test_a_version_never_changes(registry, bucket, s3):
    promote("1", registry, bucket, "manual")
    s3.put_object(Bucket=BUCKET, Key=manifest_key("2"), Body=b"somebody else's")
    with pytest.raises(Failure, match="version 2 already stands in models and is not this one"):
        promote("2", registry, bucket, "manual")
    assert serving(bucket) == "1"


def test_a_version_that_does_not_load_is_not_promoted(registry, bucket):
    promote("1", registry, bucket, "manual")
    registry.files["run-1"]["model/model.onnx"] += b"spoiled"
    with pytest.raises(Failure, match=r"version 2 is not served: .*sha256"):
        promote("2", registry, bucket, "manual")
    registry.files["run-1"] = registry.files["run-2"]
    with pytest.raises(Failure, match="its manifest says version 3"):
        promote("2", registry, bucket, "manual")
    assert serving(bucket) == "1"


def test_rollback_is_one_write_and_needs_no_registry(registry, bucket, s3):
    promote("1", registry, bucket, "manual")
    promote("2", registry, bucket, "manual")
    life = Life()
    pointer = rollback(ModelsBucket(life.of(s3), BUCKET))
    assert life.writes == ["put_object"]
    assert (serving(bucket), pointer.previous) == ("1", "2")


def test_a_second_rollback_does_not_bring_the_bad_version_back(registry, bucket):
    for each in "123":
        promote(each, registry, bucket, "manual")
    assert rollback(bucket).version == "2"
    with pytest.raises(Failure, match=r"in place of version 3, which is newer: .*; `belo promote N` goes to version N"):
        rollback(bucket)
    assert serving(bucket) == "2"
    promote("1", registry, bucket, "manual")
    promote("3", registry, bucket, "manual")
    assert rollback(bucket).version == "1"


def test_a_broken_champion_can_be_left_for_a_newer_version(registry, bucket, s3):
    for each in "21":
        promote(each, registry, bucket, "manual")
    s3.put_object(Bucket=BUCKET, Key=manifest_key("1"), Body=b"spoiled")
    assert rollback(bucket).version == "2"


def test_a_rollback_is_recorded_and_until_then_the_disagreement_is_told(registry, bucket):
    promote("1", registry, bucket, "manual")
    promote("2", registry, bucket, "manual")
    pointer = rollback(bucket)
    assert overview(registry, bucket).serving.version == "1"
    assert "alias says champion 2, S3 serves 1" in overview(registry, bucket).disagreement
    record_rollback(pointer, registry, bucket)
    assert overview(registry, bucket).disagreement is None
    assert registry.aliases["champion"] == "1"
    assert registry.tags["2"]["rolled_back_at"] == pointer.promoted_at


def test_there_is_nothing_to_roll_back_before_a_second_promotion(registry, bucket):
    with pytest.raises(Failure, match="no version was ever promoted"):
        rollback(bucket)
    promote("1", registry, bucket, "manual")
    with pytest.raises(Failure, match="version 1 is the first champion"):
        rollback(bucket)


def test_the_newest_version_is_one_whose_training_came_to_its_end(registry):
    assert newest(registry) == "3"
    del registry.files["run-2"]["model/manifest.json"]
    assert newest(registry) == "2"
    registry.files = {run: {} for run in registry.files}
    with pytest.raises(Failure, match="no version is registered, or none is finished"):
        newest(registry)


def test_killed_after_any_write_the_old_champion_serves_until_the_pointer_moved_and_a_rerun_finishes(s3, bucket):
    probe = Life()
    registry = _challenged(bucket)
    promote("2", probe.of(registry), ModelsBucket(probe.of(s3), BUCKET), "manual")
    assert probe.writes == ["put_object", "put_object", "put_object", "tag", "point", "unpoint"]
    for left, name in enumerate(probe.writes, start=1):
        _empty(s3)
        registry = _challenged(bucket)
        life = Life(left)
        with pytest.raises(Killed):
            promote("2", life.of(registry), ModelsBucket(life.of(s3), BUCKET), "manual")
        assert serving(bucket) == ("1" if left < 3 else "2"), f"after write {left}, {name}"
        pointer = promote("2", registry, bucket, "manual")
        assert (serving(bucket), pointer.previous) == ("2", "1")
        assert registry.aliases == {"champion": "2"}


def _challenged(bucket):
    """A registry whose version 1 serves, and whose version 2 wants to."""
    registry = RegistryOfThree()
    promote("1", registry, bucket, "manual")
    registry.point("challenger", "2")
    return registry


def _empty(s3):
    for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
        s3.delete_object(Bucket=BUCKET, Key=each["Key"])


class Hurried:
    """An S3 client in whose hands somebody else is faster: `rival` runs just before the pointer is written."""

    def __init__(self, s3, rival):
        self._s3, self._rival = s3, rival

    def __getattr__(self, name):
        return getattr(self._s3, name)

    def put_object(self, **arguments):
        if arguments["Key"] == CHAMPION_KEY and self._rival:
            rival, self._rival = self._rival, None
            rival()
        return self._s3.put_object(**arguments)


@pytest.mark.parametrize("crowned", [False, True])
def test_of_two_promoters_the_slower_fails_cleanly(registry, bucket, s3, crowned):
    if crowned:
        promote("1", registry, bucket, "manual")
    hurried = ModelsBucket(Hurried(s3, lambda: promote("3", registry, bucket, "auto")), BUCKET)
    with pytest.raises(Failure, match=r"changed meanwhile \(it is version 3 now\)"):
        promote("2", registry, hurried, "manual")
    assert serving(bucket) == "3" == registry.aliases["champion"]
    assert bucket.champion()[0].previous == ("1" if crowned else None)


def test_the_alias_names_what_serves_although_a_slow_promoter_writes_it_last(registry, bucket):
    promote("1", registry, bucket, "manual")

    class Slow:
        """A registry between whose tag and the alias somebody else promotes."""

        def __init__(self, rival):
            self.rival = rival

        def __getattr__(self, name):
            return getattr(registry, name)

        def tag(self, *tagged):
            registry.tag(*tagged)
            promote(self.rival, registry, bucket, "manual")

    assert promote("2", Slow("3"), bucket, "manual").version == "2"
    assert serving(bucket) == "3" == registry.aliases["champion"]
    record_rollback(rollback(bucket), Slow("1"), bucket)
    assert serving(bucket) == "1" == registry.aliases["champion"]


def test_of_two_promotions_at_once_exactly_one_wins(registry, bucket, s3):
    promote("1", registry, bucket, "manual")
    start, outcomes = threading.Barrier(2), {}

    class Abreast:
        """Both have read the pointer before either writes it."""

        def __getattr__(self, name):
            return getattr(s3, name)

        def put_object(self, **arguments):
            if arguments["Key"] == CHAMPION_KEY:
                start.wait(timeout=20)
            return s3.put_object(**arguments)

    def run(version):
        try:
            outcomes[version] = promote(version, registry, ModelsBucket(Abreast(), BUCKET), "manual")
        except Failure as error:
            outcomes[version] = error

    threads = [threading.Thread(target=run, args=(version,)) for version in ("2", "3")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lost = [version for version, outcome in outcomes.items() if isinstance(outcome, Failure)]
    assert len(lost) == 1
    assert serving(bucket) in {"2", "3"} - set(lost)


def test_a_reply_that_got_lost_is_no_defeat(registry, bucket, s3):
    """The first attempt arrives, its reply does not; the client tries again and is refused by its own write."""

    class Deaf:
        def __getattr__(self, name):
            return getattr(s3, name)

        def put_object(self, **arguments):
            if arguments["Key"] == CHAMPION_KEY:
                s3.put_object(**arguments)
            return s3.put_object(**arguments)

    assert promote("1", registry, ModelsBucket(Deaf(), BUCKET), "manual").version == "1"


def test_what_was_judged_against_one_champion_does_not_replace_another(registry, bucket):
    promote("1", registry, bucket, "manual")
    with pytest.raises(Failure, match="the champion is version 1 by now, and was None"):
        promote("2", registry, bucket, "auto", over=ExpectedChampion(None))
    assert promote("2", registry, bucket, "auto", over=ExpectedChampion("1")).version == "2"
    assert promote("2", registry, bucket, "auto", over=ExpectedChampion("1")).previous == "1"  # a rerun, its work done
