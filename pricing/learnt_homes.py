"""Which homes a version has learnt: it prices them better than new ones, and its errors there say little."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from pricing.listing import Features
from pricing.places import place_key

NEAR_AREA = 0.05  # fraction by which two areas of one home differ at most


@dataclass(frozen=True, slots=True)
class LearntHomes:
    """Homes by street and area, sorted: `streets` uint64, the hash of a street's `place_key`; `areas` m², shape (N,).

    A home is known where one on the same street differs by `NEAR_AREA` or less in area. Homes whose street is unknown
    are not kept.
    """

    streets: NDArray[np.uint64]
    areas: NDArray[np.float32]

    @classmethod
    def of(cls, streets: Sequence[str], areas: Sequence[float]) -> "LearntHomes":
        """Return the homes of some listings; street names as written or as keys."""
        known = [(_hash(key), area) for street, area in zip(streets, areas, strict=True) if (key := place_key(street))]
        hashes = np.array([each for each, _ in known], dtype=np.uint64)
        sizes = np.array([each for _, each in known], dtype=np.float32)
        order = np.lexsort((sizes, hashes))
        return cls(hashes[order], sizes[order])

    @classmethod
    def decode(cls, content: bytes) -> "LearntHomes":
        """Return what `encode` wrote."""
        with np.load(io.BytesIO(content)) as arrays:
            return cls(arrays["streets"], arrays["areas"])

    def encode(self) -> bytes:
        """Return them as a file; the same homes give the same bytes."""
        out = io.BytesIO()
        np.savez(out, streets=self.streets, areas=self.areas)
        return out.getvalue()

    def knows(self, home: Features) -> bool:
        """Return whether a home, or one that cannot be told from it, was learnt."""
        key = place_key(home.street or "")
        if not key:
            return False
        first, last = np.searchsorted(self.streets, [np.uint64(_hash(key)), np.uint64(_hash(key) + 1)])
        areas = self.areas[first:last]
        return bool(np.any(np.maximum(areas, home.area_m2) <= np.minimum(areas, home.area_m2) * (1 + NEAR_AREA)))


def has_learnt(homes: LearntHomes | None, home: Features) -> bool:
    """Return whether a version has learnt a home; where nobody has said which homes it learnt, it has not."""
    return homes is not None and homes.knows(home)


def _hash(key: str) -> int:
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest()) >> 1  # so that the next one is a number, too
