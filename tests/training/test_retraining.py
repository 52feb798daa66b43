"""From a request on the queue to a new champion."""

import numpy as np
import pytest

from pricing.model import load
from training.models_bucket import ModelsBucket


def test_a_champion_that_sells_15_percent_too_low_is_replaced_by_itself_rescaled(world):
    world.market.sell(200)
    world.market.sell(80, rise=1.15)
    world.alarm()
    assert world.worker().one(wait_seconds=0)
    (record,) = world.records()
    assert (record.outcome, record.trained, record.promoted_by) == ("promoted", "rescaled", "auto")
    assert (world.pointer().version, world.pointer().previous, world.pointer().promoted_by) == ("2", "1", "auto")
    assert world.registry.aliases == {"champion": "2"}
    bucket = ModelsBucket(world.s3, world.models)
    old, new = (load(*bucket.get_version(version)) for version in ("1", "2"))
    homes = [row.features for row in old.manifest.golden]
    factor = np.exp(new.log_prices(homes) - old.log_prices(homes))
    assert factor == pytest.approx(1.15, rel=0.05)
    assert world.waiting() == 0
    assert [each.outcome for each in world.told] == ["promoted"]


def test_a_market_that_did_not_move_keeps_its_champion_and_the_history_says_why(world):
    world.market.sell(280)
    world.alarm()
    world.worker().one(wait_seconds=0)
    (record,) = world.records()
    assert record.outcome == "kept"
    assert "not better beyond doubt" in record.why
    assert world.pointer().version == "1"
    assert not world.registry.found
