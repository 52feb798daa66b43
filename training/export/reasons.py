"""What a version keeps so that it can give reasons: typical homes, golden reasons, and listings that it has learnt."""

import hashlib
from collections.abc import Sequence

import msgspec
import numpy as np
import pandas as pd

from pricing.answer import comparables
from pricing.answer.comparables import LearntListing
from pricing.answer.reasons import against_city, groups_of
from pricing.listing import Features
from pricing.manifest import CITY, Manifest, encode
from pricing.market import Market
from pricing.model import Model, load
from training.arrays import Log
from training.data.frames import features_of
from training.export.manifest import UNSEEN

ENOUGH = 10  # listings of a neighbourhood that make a typical home of its own
CHUNK = 500  # homes whose coalitions are priced in one run
MOST = 20_000  # comparables


def typical_homes(learnt: pd.DataFrame, market: Market) -> dict[str, Features]:
    """Return the typical home of the city, and by key of each neighbourhood with enough listings.

    A median of each number, whole where it is a count, and no street: it stands in the middle of its neighbourhood. The
    city's stands in no neighbourhood that any model knows.
    """
    found = {CITY: _typical(learnt, UNSEEN, market)}
    for key, homes in learnt.groupby("neighborhood"):
        if len(homes) >= ENOUGH:
            found[str(key)] = _typical(homes, str(homes["written_neighborhood"].iloc[0]), market)
    return found


def _typical(homes: pd.DataFrame, neighborhood: str, market: Market) -> Features:
    medians = {name: _median(homes[name]) for name in ("area_m2", "rooms", "garage_places", "adm_fees")}
    for name in ("rooms", "garage_places"):
        medians[name] = None if medians[name] is None else round(medians[name] or 0)
    own = {
        name: str(homes[name].mode().iloc[0]) if column.type == "text" else _median(homes[name])
        for name, column in market.columns.items()
    }
    more = {name: value for name, value in own.items() if value not in (None, "")}
    return msgspec.convert({"neighborhood": neighborhood, **medians, "more": more or None}, Features)


def _median(values: "pd.Series[float]") -> float | None:
    known = values.dropna().to_numpy(dtype=np.float64)
    return float(np.median(known)) if known.size else None


def with_explanations(model: bytes, manifest: Manifest, learnt: pd.DataFrame) -> tuple[Manifest, bytes]:
    """Return a manifest with all that reasons need, and the file of comparables; `learnt` with its `price`."""
    typical = typical_homes(learnt, manifest.market) if manifest.market else {}
    ready = load(model, encode(msgspec.structs.replace(manifest, typical=typical)))
    content = learnt_listings(ready, learnt)
    return with_reasons(ready, content), content


def with_reasons(model: Model, comparables: bytes | None) -> Manifest:
    """Return a version's manifest, which has its typical homes, with golden reasons and the hash of its comparables."""
    golden = model.manifest.golden
    found = against_city(model, [row.features for row in golden])
    explained = [
        msgspec.structs.replace(row, typical_log_price=float(typical), reasons=added.tolist())
        for row, typical, added in zip(golden, found.typical, found.added, strict=True)
    ]
    digest = None if comparables is None else hashlib.sha256(comparables).hexdigest()
    return msgspec.structs.replace(model.manifest, golden=explained, comparables_sha256=digest)


def importance(model: Model, homes: Sequence[Features]) -> dict[str, float]:
    """Return by which fraction each group of inputs moves the price on average, up or down."""
    added, groups = _added(model, homes), groups_of(model.manifest)
    return dict(zip(groups, np.expm1(np.abs(added).mean(axis=0)).tolist(), strict=True))


def _added(model: Model, homes: Sequence[Features]) -> Log:
    parts = [against_city(model, homes[first : first + CHUNK]).added for first in range(0, len(homes), CHUNK)]
    return np.concatenate(parts)


def learnt_listings(model: Model, learnt: pd.DataFrame) -> bytes:
    """Return the file of comparables: listings that a model has learnt, with their prices and its reasons.

    Of more than `MOST` listings every so many are kept.
    """
    learnt = learnt.iloc[:: -(-len(learnt) // MOST) or 1]
    homes = features_of(learnt, model.manifest.market)
    return comparables.encode(
        [
            LearntListing(home, float(price), [round(each, 5) for each in row])
            for home, price, row in zip(homes, learnt["price"], _added(model, homes).tolist(), strict=True)
        ]
    )
