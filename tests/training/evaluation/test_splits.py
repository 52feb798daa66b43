from training.evaluation.splits import mean_figures


def test_means_over_splits_are_taken_place_by_place():
    assert mean_figures([{"a": 1, "b": [1.0, 2.0]}, {"a": 3, "b": [3.0, 6.0]}]) == {"a": 2, "b": [2.0, 4.0]}
