import numpy as np
import pandas as pd
import pytest

from training.data.groups import folds, group_keys, split


def frame(*rows):
    columns = ["street", "neighborhood", "area_m2", "price"]
    return pd.DataFrame(rows, columns=columns).astype({"area_m2": np.float32, "price": np.float64})


def test_listings_that_agree_on_street_and_area_or_on_area_and_price_share_a_group():
    one, same_street, same_price, other = group_keys(
        frame(
            ("Rua A", "Buritis", 80, 5e5),
            ("Rua A", "Buritis", 80, 6e5),
            ("Rua B", "Buritis", 80, 6e5),
            ("Rua B", "Serra", 80, 6e5),
        )
    )
    assert one == same_street == same_price != other


def test_groups_do_not_depend_on_the_order_of_the_rows(data):
    order = np.random.default_rng(0).permutation(len(data.frame))
    shuffled = group_keys(data.frame.iloc[order].reset_index(drop=True))
    np.testing.assert_array_equal(shuffled, data.groups[order])


def test_a_split_keeps_groups_together_and_holds_out_about_a_fifth(data):
    held = split(data.groups, seed=3, test_share=0.2)
    assert not set(data.groups[held]) & set(data.groups[~held])
    assert 0.15 < held.mean() < 0.25
    assert (split(data.groups, seed=4) != held).any()


def test_a_listing_keeps_its_side_when_the_file_grows_unless_a_new_twin_renames_its_group(data):
    half = len(data.frame) // 2
    before, after = group_keys(data.frame.head(half)), data.groups[:half]
    gained = np.isin(after, data.groups[half:])
    assert gained.any()
    np.testing.assert_array_equal(before[~gained], after[~gained])
    moved = split(before, 3) != split(after, 3)
    assert moved[gained].any()
    assert moved.mean() < 0.03


@pytest.mark.parametrize("count", [2, 5])
def test_folds_hold_out_every_row_once_and_groups_together(data, count):
    masks = list(folds(data.groups, count, seed=1))
    assert len(masks) == count
    assert (np.sum(masks, axis=0) == 1).all()
    for mask in masks:
        assert not set(data.groups[mask]) & set(data.groups[~mask])
