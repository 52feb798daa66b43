"""Listings that may be the same home, and splits that keep them together.

A home is offered by several agencies, so a random split would test on homes that were trained on.
"""

import hashlib
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.arrays import Mask
from training.data.frames import as_written

SAME_HOME = (("street", "neighborhood", "area_m2"), ("neighborhood", "area_m2", "price"))


def group_keys(frame: pd.DataFrame) -> NDArray[np.str_]:
    """Return each row's group, shape (N,): rows that agree on either key of `SAME_HOME` share a group.

    A group is named after the least of its listings' fingerprints, so the rows' order does not matter. A file that
    gains listings renames a group only where one of them belongs to it.
    """
    parent = np.arange(len(frame))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = int(parent[row])
        return row

    for columns in SAME_HOME:
        for rows in frame.groupby(list(columns), sort=False, dropna=False).indices.values():
            for one, other in pairwise(rows):
                parent[root(int(other))] = root(int(one))
    roots = np.array([root(row) for row in range(len(frame))])
    prints = fingerprints(frame)
    first: dict[int, str] = {}
    for row, its_root in enumerate(roots):
        first[int(its_root)] = min(first.get(int(its_root), prints[row]), prints[row])
    return np.array([first[int(its_root)] for its_root in roots])


def fingerprints(frame: pd.DataFrame) -> list[str]:
    """Return by what each listing is known in another file: a hash of what the groups look at, names as written."""
    frame = as_written(frame)
    columns = sorted({name for key in SAME_HOME for name in key})
    return [
        hashlib.sha256("|".join(map(str, row)).encode()).hexdigest()[:16]
        for row in frame[columns].itertuples(index=False)
    ]


def split(groups: NDArray[np.str_], seed: int, test_share: float = 0.2) -> Mask:
    """Return which rows are the test part, shape (N,), about `test_share` of the groups.

    A group's side is a hash of its name and the seed. So a listing stays on its side when a file gains others, unless
    one of these joins its group and renames it; what a model was trained on, only its own record says for certain.
    """
    return _draw(groups, f"split|{seed}") < test_share


def folds(groups: NDArray[np.str_], count: int, seed: int) -> Iterator[Mask]:
    """Yield `count` masks of held-out rows, shape (N,) each: every row once, groups together."""
    place = np.floor(_draw(groups, f"fold|{seed}") * count)
    for fold in range(count):
        yield place == fold


def _draw(groups: NDArray[np.str_], salt: str) -> NDArray[np.float64]:
    names, places = np.unique(groups, return_inverse=True)
    draws = [int.from_bytes(hashlib.sha256(f"{salt}|{name}".encode()).digest()[:7], "big") for name in names]
    result: NDArray[np.float64] = np.array(draws, dtype=np.float64)[places] / float(1 << 56)
    return result
