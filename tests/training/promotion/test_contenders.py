import msgspec
import numpy as np
import pytest

from pricing.market import Column
from terminal.errors import Failure
from tests.market import MARKET
from training.model.training_part import Rows
from training.promotion.contenders import second_opinion, unseen
from training.registry.kept_listings import keep_learnt, keep_test


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


def keep(runs, run, training, test):
    keep_learnt(runs, run, training.frame)
    keep_test(runs, run, test)


def test_groups_of_which_the_champion_saw_a_listing_are_left_out(encoded):
    runs = Runs()
    keep(runs, "challenger", encoded.training, encoded.test)
    half = np.arange(len(encoded.test.groups)) % 2 == 0
    keep(runs, "champion", encoded.test.take(half), encoded.training)
    assert len(unseen("challenger", None, runs).groups) == len(encoded.test.groups)
    left = unseen("challenger", "champion", runs)
    assert len(left.features) == len(left.log_price) == len(left.groups) > 0
    assert not set(left.groups) & set(encoded.test.groups[half])


def test_a_judge_sees_a_market_s_own_columns_too(encoded):
    runs, market = Runs(), msgspec.structs.replace(MARKET, columns={"floor": Column("number", names=("floor",))})
    keep(runs, "challenger", encoded.training, encoded.test)
    floors = np.arange(len(encoded.test.groups), dtype=np.float64) % 9
    tall = Rows(encoded.test.frame.assign(floor=floors), encoded.test.log_price, encoded.test.groups)
    keep_test(runs, "challenger", tall)
    keep(runs, "champion", encoded.training, tall)
    judged = (
        unseen("challenger", "champion", runs, market),
        second_opinion("challenger", "champion", runs, market).own,
    )
    for each in judged:
        assert [home.more for home in each.features] == [{"floor": floor} for floor in floors]


def test_two_trainings_on_one_split_are_judged_on_the_whole_test_part(encoded):
    runs = Runs()
    keep(runs, "challenger", encoded.training, encoded.test)
    keep(runs, "champion", encoded.training, encoded.test)
    assert len(unseen("challenger", "champion", runs).groups) == len(encoded.test.groups)


def test_a_champion_of_which_nobody_knows_what_it_saw_cannot_be_beaten(encoded):
    runs = Runs()
    keep(runs, "challenger", encoded.training, encoded.test)
    with pytest.raises(Failure, match="version 1 cannot be judged"):
        unseen("challenger", "1", runs)


def test_a_home_that_is_offered_again_at_another_price_is_not_unseen(encoded):
    runs = Runs()
    keep(runs, "challenger", encoded.training, encoded.test)
    dearer = encoded.test.frame.assign(price=encoded.test.frame["price"] * 1.2)
    keep_learnt(runs, "champion", dearer)
    keep_test(runs, "champion", encoded.training)
    assert len(unseen("challenger", "champion", runs).groups) == 0


def test_the_second_opinion_compares_what_two_files_state_for_the_same_homes(encoded):
    runs = Runs()
    keep(runs, "champion", encoded.training, encoded.test)
    cheaper = encoded.training.frame.assign(price=encoded.training.frame["price"] * 0.4)
    keep_learnt(runs, "challenger", cheaper)
    keep_test(runs, "challenger", encoded.test.take(np.zeros(len(encoded.test.groups), bool)))
    found = second_opinion("challenger", "champion", runs)
    assert np.median(found.same_homes) == pytest.approx(np.log(0.4), abs=0.01)
    assert len(found.own.features) == len(encoded.test.groups)
