from training.evaluation.fits import Fits
from training.model.candidates import CANDIDATES, one_thread


class Counting:
    """One core that counts what it is given."""

    count = 1

    def __init__(self):
        self.given = []

    def run(self, works):
        self.given.append(len(works))
        return [work() for work in works]


def test_a_learner_is_fitted_once_to_the_same_part_whichever_candidate_asks(encoded, params):
    cores, parts = Counting(), [part for _, part in encoded.folds]
    fits = Fits(cores)
    with one_thread():
        for name in ("boosting", "kernel", "averaged", "averaged"):
            found = fits.pricers([(CANDIDATES[name], part, params) for part in parts])
        alone = [CANDIDATES["averaged"](part, params) for part in parts]
    assert cores.given == [3, 3, 0, 0]
    assert [each.onnx() for each in found] == [each.onnx() for each in alone]


def test_what_need_not_be_kept_is_fitted_again(encoded, params):
    cores, part = Counting(), encoded.folds[0][1]
    fits, asked = Fits(cores), [(CANDIDATES["averaged"], part, params)]
    with one_thread():
        fits.pricers(asked, keep=False)
        fits.pricers(asked)
        fits.pricers(asked, keep=False)
    assert cores.given == [2, 2, 0]


def test_candidates_of_every_kind_are_answered_in_the_order_in_which_they_were_asked_for(encoded, params):
    cores, part = Counting(), encoded.folds[0][1]
    names = ("linear", "averaged", "linear", "elastic_net")
    with one_thread():
        found = Fits(cores).pricers([(CANDIDATES[name], part, params) for name in names])
        alone = [CANDIDATES[name](part, params) for name in names]
    assert [each.onnx() for each in found] == [each.onnx() for each in alone]
