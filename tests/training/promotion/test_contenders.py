import numpy as np
import pytest

from terminal.errors import Failure
from training.promotion.contenders import unseen
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
