"""Listings that may be the same home, and splits that keep them together.

A home is offered by several agencies, and again later at another price, so a random split would test on homes that were
trained on. What counts as the same home is said once, in `SAME_HOME`: splits, folds, the judge, contests and the part
that no champion learns all go by it.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pricing.learnt_homes import NEAR_AREA
from training.arrays import Log, Mask

Pairs = NDArray[np.int64]  # shape (N, 2): places of two rows
NEAR_PRICE = 0.03
SQUARE_METRE = 1.0
TURNS = 20  # until the part that no champion learns has gone once through all homes


@dataclass(frozen=True, slots=True)
class SameHome:
    """Listings that agree on `columns`, and nearly on area and price, are one home; a price of None may be any.

    They are near in area if they differ by `area` (a fraction) or by `square_metres`. Where a column is unknown nothing
    is said, unless `unknown_agrees`.
    """

    columns: tuple[str, ...]
    area: float
    square_metres: float
    price: float | None
    unknown_agrees: bool = False


SAME_HOME = (
    SameHome(("street", "neighborhood"), NEAR_AREA, SQUARE_METRE, price=None),
    SameHome(("street", "rooms", "garage_places"), NEAR_AREA, SQUARE_METRE, price=None),
    SameHome(("street", "neighborhood"), 0.0, 0.0, price=None, unknown_agrees=True),
    SameHome(("neighborhood",), 0.0, 0.0, price=0.0),
    SameHome(("neighborhood", "rooms", "garage_places"), 0.0, SQUARE_METRE, price=NEAR_PRICE),
)
COLUMNS = ("street", "neighborhood", "rooms", "garage_places", "area_m2", "price")  # that a home is known by


def group_keys(frame: pd.DataFrame) -> NDArray[np.str_]:
    """Return each row's group, shape (N,): rows that a chain of `SAME_HOME` links share a group.

    A group is named after the least of its listings' fingerprints, so the rows' order does not matter. A file that
    gains listings renames a group only where one of them belongs to it.
    """
    homes = frame.reindex(columns=list(COLUMNS))
    pairs = np.concatenate([_pairs(homes, each) for each in SAME_HOME])
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(homes), len(homes)))
    _, group = connected_components(links, directed=False)
    prints = pd.Series(_fingerprints(homes))
    names: NDArray[np.str_] = prints.groupby(group).transform("min").to_numpy(dtype=str)
    return names


def _pairs(homes: pd.DataFrame, rule: SameHome) -> Pairs:
    """Return pairs of rows that a rule takes for one home; enough of them to link all that it does."""
    keys = homes[list(rule.columns)].replace("", np.nan)  # an unknown name
    place = keys.groupby(list(rule.columns), dropna=False, sort=False).ngroup().to_numpy()
    area, price = (homes[name].to_numpy(dtype=np.float64) for name in ("area_m2", "price"))
    rows = np.flatnonzero(keys.notna().all(axis=1) | rule.unknown_agrees)
    rows = rows[np.lexsort((price[rows], area[rows], place[rows]))]
    found = []
    for step in range(1, len(rows)):
        one, other = rows[:-step], rows[step:]
        near = (place[one] == place[other]) & (
            area[other] - area[one] <= np.maximum(rule.area * area[one], rule.square_metres)
        )
        if not near.any():
            break
        if rule.price is not None:
            low, high = np.minimum(price[one], price[other]), np.maximum(price[one], price[other])
            near &= high <= low * (1 + rule.price)
        found.append(np.stack([one[near], other[near]], axis=1))
        if rule.price is None:
            break  # neighbours in the order of areas link all that are near
    return np.concatenate(found) if found else np.empty((0, 2), dtype=np.int64)


def _fingerprints(homes: pd.DataFrame) -> list[str]:
    return [_hash("|".join(map(str, row))) for row in homes.itertuples(index=False)]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def met(homes: pd.DataFrame, learnt: pd.DataFrame) -> Mask:
    """Return which homes, shape (N,), are in a group with a learnt one."""
    groups = group_keys(pd.concat([homes, learnt], ignore_index=True))
    return np.isin(groups[: len(homes)], groups[len(homes) :])


def kept_apart(frame: pd.DataFrame, groups: NDArray[np.str_], turn: int, share: float) -> Mask:
    """Return which rows no champion learns, shape (N,), about `share` of the homes; whole groups.

    Which ones is a hash of street, neighbourhood and coarse area, so that a home that is offered again, at another
    price or in another file, stays on its side, and takes its group along. Each `turn` lets a part of them go and takes
    others in: models that are few turns apart have something left that none of them has learnt.
    """
    size = np.round(4 * np.log(np.maximum(frame["area_m2"].to_numpy(dtype=np.float64), 1.0)))
    homes = zip(frame["street"], frame["neighborhood"], size, strict=True)
    names = [f"kept|{street}|{place}|{each:.0f}" for street, place, each in homes]
    own = (_uniform(names) - turn / TURNS) % 1 < share
    return np.isin(groups, groups[own])


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


def _draw(groups: NDArray[np.str_], salt: str) -> Log:
    names, places = np.unique(groups, return_inverse=True)
    return _uniform([f"{salt}|{name}" for name in names])[places]


def _uniform(names: list[str]) -> Log:
    draws = [int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "big") for name in names]
    result: Log = np.array(draws, dtype=np.float64) / float(1 << 56)
    return result
