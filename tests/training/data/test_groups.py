import numpy as np
import pandas as pd
import pytest

from training.data.groups import folds, group_keys, kept_apart, split


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


def homes(*rows):
    columns = ["street", "neighborhood", "rooms", "garage_places", "area_m2", "price"]
    return pd.DataFrame(rows, columns=columns)


@pytest.mark.parametrize(
    "again",
    [
        ("rua a", "buritis", 3, 2, 80, 7e5),  # at another price
        ("rua a", "buritis", 3, 2, 81, 5.1e5),  # measured otherwise
        ("rua a", "buritis", 2, 1, 83, 6e5),  # counted otherwise
        ("rua a", "estoril", 3, 2, 80, 6e5),  # on the border of two neighbourhoods
        ("rua b", "buritis", 3, 2, 80.5, 5.1e5),  # by an agency that hides the street
    ],
)
def test_a_home_that_is_offered_again_is_the_same_home(again):
    one, other, far = group_keys(homes(("rua a", "buritis", 3, 2, 80, 5e5), again, ("rua z", "serra", 3, 2, 80, 9e5)))
    assert one == other != far


@pytest.mark.parametrize(
    "other",
    [("rua a", "buritis", 3, 2, 90, 5e5), ("rua b", "buritis", 3, 2, 80, 6e5), ("rua b", "serra", 3, 2, 80, 5e5)],
)
def test_homes_that_differ_are_two(other):
    one, another = group_keys(homes(("rua a", "buritis", 3, 2, 80, 5e5), other))
    assert one != another


def test_a_part_is_kept_that_a_home_stays_in_when_it_is_offered_again_at_another_price_in_another_file(data):
    kept = kept_apart(data.frame, data.groups, turn=0, share=0.16)
    assert 0.1 < kept.mean() < 0.3
    assert not set(data.groups[kept]) & set(data.groups[~kept])
    dearer = data.frame.assign(price=data.frame["price"] * 1.37)
    again = kept_apart(dearer, group_keys(dearer), turn=0, share=0.16)
    assert (again & kept).sum() > 0.95 * kept.sum()


def test_the_part_that_is_kept_moves_on_slowly_so_that_two_champions_have_something_that_neither_learnt(data):
    parts = [kept_apart(data.frame, data.groups, turn, share=0.16) for turn in range(4)]
    assert (parts[0] & parts[1]).sum() > 0.5 * parts[0].sum()
    assert (parts[0] & ~parts[3]).sum() > 0.5 * parts[0].sum()
