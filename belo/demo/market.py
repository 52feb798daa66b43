"""The market of the drift demo: homes that the champion never saw, and what they are sold for."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pricing.listing import Features
from terminal.errors import Failure
from training.data.frames import to_features
from training.data.groups import split
from training.data.listings import Dataset

HAGGLING = 0.03  # standard deviation of the logarithm of sale over asking price, while nothing drifts
MARKET_SHARE = 0.3  # of the groups of listings; the champion learns from the others
FIRST_SALE = datetime(2026, 1, 5, 12, tzinfo=UTC)
SALES_A_DAY = 4

_SPELLINGS = {
    "street": "address",
    "neighborhood": "neighborhood",
    "area_m2": "square-foot",
    "rooms": "rooms",
    "garage_places": "garage-places",
    "adm_fees": "adm-fees",
    "latitude": "latitude",
    "longitude": "longitude",
    "price": "price",
}


@dataclass(frozen=True, slots=True)
class Market:
    """Homes in the order in which they are sold; `asking` prices, shape (N,)."""

    frame: pd.DataFrame
    asking: NDArray[np.float64]
    ids: list[str]
    worth: NDArray[np.float64]  # what each is sold for while nothing drifts

    def features(self, first: int, last: int) -> list[Features]:
        """Return what a model may know of homes number `first` to `last`."""
        return [to_features(row) for row in self.frame.iloc[first:last].to_dict("records")]

    def sales(self, first: int, last: int, rise: float) -> list[dict[str, Any]]:
        """Return the sales of homes number `first` to `last`, prices `rise` times what they were."""
        return [
            {
                "listing_id": self.ids[n],
                "sale_price": round(float(self.worth[n]) * rise, 2),
                "sold_at": (FIRST_SALE + n * timedelta(days=1) / SALES_A_DAY).isoformat(),
            }
            for n in range(first, last)
        ]


def divide(data: Dataset, folder: Path, homes: int) -> tuple[Path, Market]:
    """Write the champion's part of a file; return where it stands, and a market of the other listings."""
    held = split(data.groups, 2026, MARKET_SHARE)
    frame = data.frame[held].sample(frac=1.0, random_state=2026).head(homes).reset_index(drop=True)
    if len(frame) < homes:
        raise Failure(f"{data.name}: the drift demo needs more than {homes / MARKET_SHARE:,.0f} listings")
    reference = folder / "reference.csv"
    _spelled(data.frame[~held]).to_csv(reference, index=False)
    asking = frame["price"].to_numpy(dtype=np.float64)
    noise = np.random.default_rng(2026).normal(0, HAGGLING, homes)
    ids = [f"H-{n:04}" for n in range(homes)]
    return reference, Market(frame, asking, ids, asking * np.exp(noise))


def listings_file(market: Market, first: int, last: int, folder: Path) -> Path:
    """Write homes number `first` to `last` as a file of listings."""
    path = folder / f"listings-{first}.csv"
    listings = _spelled(market.frame.iloc[first:last]).drop(columns="price")
    listings.assign(listing_id=market.ids[first:last]).to_csv(path, index=False)
    return path


def _spelled(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[list(_SPELLINGS)].rename(columns=_SPELLINGS)
