"""Why a price: what each group of inputs multiplies it by, against a typical home.

Shapley values of the log price over groups of inputs, exact: the very model that serves prices all 64 coalitions of a
home in one run, each with some groups of the home's own and the others of a typical home. The typical home's price,
multiplied by all factors, is the price. Source: Shapley, A value for n-person games (1953); Lundberg and Lee (2017).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import factorial

import msgspec
import numpy as np
from numpy.typing import NDArray

from pricing.listing import Features
from pricing.manifest import CITY, ContractMismatch, Manifest
from pricing.model import Model

Log = NDArray[np.float64]

GROUPS: Mapping[str, tuple[str, ...]] = {
    "place": ("neighborhood", "latitude", "longitude"),
    "size": ("area_m2",),
    "rooms": ("rooms",),
    "garage": ("garage_places",),
    "fee": ("adm_fees",),
    "street": ("street",),
}
OWN = "more"  # the group of a market's own columns
TOLERANCE = 2e-5  # of a log price: what golden reasons may be off by


@dataclass(frozen=True, slots=True)
class Reasons:
    """Log prices of N homes taken apart: the typical home's, shape (N,), and what each of G groups adds, (N, G)."""

    groups: tuple[str, ...]
    typical: Log
    added: Log

    def factors(self, row: int) -> dict[str, float]:
        """Return what each group multiplies the typical home's price by."""
        return dict(zip(self.groups, np.exp(self.added[row]).tolist(), strict=True))


def groups_of(manifest: Manifest) -> tuple[str, ...]:
    """Return the groups that a version's inputs make."""
    own = bool(manifest.market and manifest.market.columns)
    return (*GROUPS, *((OWN,) if own else ()))


def typical_home(manifest: Manifest, home: Features) -> Features:
    """Return the typical home of a home's neighbourhood: the city's, moved there, where too few were learnt."""
    key = manifest.neighborhood_key(home.neighborhood)
    found = manifest.typical.get(key)
    if found is None:
        return msgspec.structs.replace(manifest.typical[CITY], neighborhood=home.neighborhood)
    return msgspec.structs.replace(found, neighborhood=home.neighborhood)


def against_city(model: Model, homes: Sequence[Features]) -> Reasons:
    """Return why homes cost more or less than the city's typical home, of which no neighbourhood is known."""
    return reasons(model, homes, [model.manifest.typical[CITY]] * len(homes))


def against_neighborhood(model: Model, homes: Sequence[Features]) -> Reasons:
    """Return why homes cost more or less than the typical home of their neighbourhood."""
    return reasons(model, homes, [typical_home(model.manifest, home) for home in homes])


def reasons(model: Model, homes: Sequence[Features], typical: Sequence[Features]) -> Reasons:
    """Return the reasons of homes' prices, each against its typical home, in one run of the model.

    Raises `ContractMismatch` for a version from before typical homes were kept.
    """
    names = groups_of(model.manifest)
    count = 1 << len(names)
    rows = chain.from_iterable(_coalitions(*pair, names) for pair in zip(homes, typical, strict=True))
    log_price = model.log_prices(list(rows)).reshape(len(homes), count)
    return Reasons(names, log_price[:, 0], log_price @ _weights(len(names)))


def _coalitions(home: Features, typical: Features, names: Sequence[str]) -> list[Features]:
    """Return the typical home with every subset of groups taken from the home; bit g of a place stands for group g."""
    found = [typical]
    for name in names:
        fields = GROUPS.get(name, (name,))
        changes = {field: getattr(home, field) for field in fields}
        found += [msgspec.structs.replace(each, **changes) for each in found]
    return found


def _weights(count: int) -> Log:
    """Return the matrix that turns prices of coalitions, (2^G,), into Shapley values, (G,)."""
    weights = np.zeros((1 << count, count))
    for coalition in range(1 << count):
        size = coalition.bit_count()
        for group in range(count):
            if coalition >> group & 1:
                weights[coalition, group] = factorial(size - 1) * factorial(count - size) / factorial(count)
            else:
                weights[coalition, group] = -factorial(size) * factorial(count - size - 1) / factorial(count)
    return weights


def check_golden_reasons(model: Model) -> None:
    """Raise `ContractMismatch` where a model's reasons are not those that its golden rows keep."""
    golden = [row for row in model.manifest.golden if row.reasons is not None]
    if CITY not in model.manifest.typical or not golden:
        raise ContractMismatch("no typical homes: a version from before prices had reasons")
    found = against_city(model, [row.features for row in golden])
    for place, row in enumerate(golden):
        expected = np.array([row.typical_log_price, *(row.reasons or ())], dtype=np.float64)
        said = np.array([found.typical[place], *found.added[place]])
        if expected.shape != said.shape or not np.all(np.abs(expected - said) <= TOLERANCE):
            raise ContractMismatch(f"golden row {place}: expected reasons {expected.tolist()}, got {said.tolist()}")
