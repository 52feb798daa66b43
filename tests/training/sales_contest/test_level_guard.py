from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest

from pricing.listing import Features
from pricing.manifest import CHAMPION_KEY, Pointer, encode
from tests.champions import champion
from tests.market import MARKET
from training.data.frames import to_frame
from training.registry.models_bucket import ModelsBucket, parse
from training.sales_contest.challengers import Served
from training.sales_contest.level_guard import furthest_move, served_lately

NOW = datetime(2026, 11, 1, tzinfo=UTC)
FRAME = to_frame([Features(neighborhood="Buritis", area_m2=area) for area in (50.0, 80.0, 120.0)], MARKET)


def served(version, base):
    made = champion(version, base=base)
    return Served(made.model, parse(made.manifest))


@pytest.mark.parametrize(("steps", "credible"), [(1, True), (2, True), (3, False)])
def test_a_level_that_creeps_away_in_steps_is_for_a_person_in_the_end(steps, credible):
    bases = [9.0 + 0.25 * step for step in range(steps + 1)]
    before = {f"{number}": served(f"{number}", base) for number, base in enumerate(bases[:-1])}
    now = before[f"{steps - 1}"]
    offered = served("9", bases[-1]).log_prices(FRAME)
    move = furthest_move(offered, offered, FRAME, now, before, 0.35)
    assert move.credible == credible
    assert credible or "against version 0, and a market moves by" in move.finding


def test_what_was_paid_has_its_say_though_the_challenger_does_not_follow_it():
    now = served("1", 9.0)
    said = now.log_prices(FRAME)
    assert not furthest_move(said, said + np.log(0.4), FRAME, now, {}, 0.35).credible


def test_a_promotion_by_hand_ends_the_memory_of_what_served_before(s3):
    s3.put_bucket_versioning(Bucket="models", VersioningConfiguration={"Status": "Enabled"})
    bucket = ModelsBucket(s3, "models")
    days = {"1": (80, "auto"), "2": (40, "manual"), "3": (20, "auto"), "0": (200, "auto")}
    for version in ("0", "1", "2", "3"):
        made = champion(version)
        bucket.put_version(version, made.model, made.manifest)
        ago, by = days[version]
        pointer = Pointer(
            version=version,
            manifest_sha256="",
            previous=None,
            promoted_at=(NOW - timedelta(days=ago)).isoformat(),
            promoted_by=by,
        )
        s3.put_object(Bucket="models", Key=CHAMPION_KEY, Body=encode(pointer))
    assert set(served_lately(bucket, NOW)) == {"2", "3"}
    last = msgspec.structs.replace(pointer, promoted_by="manual")
    s3.put_object(Bucket="models", Key=CHAMPION_KEY, Body=encode(last))
    assert set(served_lately(bucket, NOW)) == {"3"}
