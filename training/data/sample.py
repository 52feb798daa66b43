"""A generated listings file: no row of it is real, its levels, its spread and its mess are.

`sample_levels.csv` holds aggregates only: for the 60 most offered neighbourhoods the share of listings, the mean
of what size does not explain of the log price, and the centre in degrees. Streets and all other neighbourhoods are
invented and say so; how, and where they stand, is said in `sample.yaml`.
"""

from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
from msgspec import Struct
from numpy.typing import NDArray

COLUMNS = (
    "address",
    "adm-fees",
    "garage-places",
    "price",
    "rooms",
    "square-foot",
    "neighborhood",
    "city",
    "latitude",
    "longitude",
)


class Invented(Struct, frozen=True, forbid_unknown_fields=True):
    """What the sample calls what is invented, and between which degrees it stands."""

    city: str
    elsewhere: str
    street: str
    neighborhood: str
    latitude: tuple[float, float]
    longitude: tuple[float, float]


WORDS = msgspec.yaml.decode(Path(__file__).with_name("sample.yaml").read_bytes(), type=Invented)
LEVELS = Path(__file__).with_name("sample_levels.csv")
DEFAULT_ROWS = 5_000
INVENTED = 80  # small neighbourhoods

# The shape of the market, measured on the listings of 2021 (training/eda.ipynb).
ROOMS = {1: 0.036, 2: 0.222, 3: 0.453, 4: 0.256, 5: 0.026, 6: 0.007}
LOG_AREA_BY_ROOMS = {1: (3.88, 0.42), 2: (4.25, 0.33), 3: (4.68, 0.52), 4: (5.25, 0.42), 5: (5.75, 0.42), 6: (6.1, 0.4)}
LOG_AREA, ROOM, GARAGE = 0.55, 0.07, 0.14  # what size adds to the log price
STREET_SD, REST_SD = 0.12, 0.22
TWINS = 0.11  # of homes are offered a second time

Text = NDArray[np.object_]


def write_sample(path: Path, rows: int = DEFAULT_ROWS, seed: int = 2021) -> Path:
    """Write a generated listings file with the Kaggle header; the same rows and seed give the same bytes."""
    draw = np.random.default_rng(seed)
    homes = _homes(draw, rows)
    listings = _spelled(draw, homes.sample(rows, replace=False, random_state=seed))
    path.parent.mkdir(parents=True, exist_ok=True)
    listings.to_csv(path, columns=list(COLUMNS), index=False)
    return path


def _homes(draw: np.random.Generator, rows: int) -> pd.DataFrame:
    homes = _places(draw, rows)
    homes["rooms"] = draw.choice(list(ROOMS), size=rows, p=list(ROOMS.values()))
    mean, sd = np.array([LOG_AREA_BY_ROOMS[rooms] for rooms in homes["rooms"]]).T
    homes["area"] = np.exp(draw.normal(mean, sd)).clip(18, 2_000).round()
    size = np.log(homes["area"])
    homes["garage"] = np.round(0.9 + 1.3 * (size - 4.0) + draw.normal(0, 0.7, rows)).clip(1, 10)
    per_m2 = np.exp(1.67 + 0.5 * (homes["level"] - 10.3) + draw.normal(0, 0.5, rows))
    homes["fees"] = (per_m2 * homes["area"]).round(-1).clip(lower=50)
    rest = draw.normal(0, REST_SD, rows) + 0.25 * np.log(per_m2 / 5.3)
    value = LOG_AREA * size + ROOM * homes["rooms"] + GARAGE * homes["garage"] + homes["level"] + rest
    homes["price"] = np.exp(value).round(-3)
    twins = homes.sample(frac=TWINS, random_state=int(draw.integers(2**31)))
    same_price = draw.random(len(twins)) < 0.3
    twins["price"] = np.where(same_price, twins["price"], twins["price"] * np.exp(draw.normal(0, 0.08, len(twins))))
    twins["price"] = twins["price"].round(-3)
    return pd.concat([homes, twins], ignore_index=True)


def _places(draw: np.random.Generator, rows: int) -> pd.DataFrame:
    known = pd.read_csv(LEVELS)
    share = 1 / np.arange(2, INVENTED + 2)
    invented = pd.DataFrame(
        {
            "neighborhood": [f"{WORDS.neighborhood} {i}" for i in range(1, INVENTED + 1)],
            "weight": share / share.sum() * (1 - known["weight"].sum()),
            "level": draw.normal(9.77, 0.35, INVENTED),
            "latitude": draw.uniform(*WORDS.latitude, INVENTED),
            "longitude": draw.uniform(*WORDS.longitude, INVENTED),
        }
    )
    market = pd.concat([known, invented], ignore_index=True)
    which = draw.choice(len(market), size=rows, p=market["weight"] / market["weight"].sum())
    homes = market.iloc[which].reset_index(drop=True)
    streets = np.maximum(2, (market["weight"] * 1_500).to_numpy().astype(int))
    homes["street"] = which * 1_000 + (draw.beta(1, 2, rows) * streets[which]).astype(int)
    per_street = {each: draw.normal(size=3) for each in np.unique(homes["street"])}
    effect, north, east = np.array([per_street[each] for each in homes["street"]]).T
    homes["level"] += STREET_SD * effect
    homes["latitude"] += 0.006 * north
    homes["longitude"] += 0.006 * east
    return homes


def _spelled(draw: np.random.Generator, homes: pd.DataFrame) -> pd.DataFrame:
    """Spell homes as the scraper did, mess included."""
    count = len(homes)

    def chance(share: float) -> NDArray[np.bool_]:
        return draw.random(count) < share

    def ranged(values: pd.Series, share: float, spread: float) -> Text:
        upper = (values * spread).where(values * spread > values, values + 1).astype(int)
        return np.where(chance(share), values.astype(int).astype(str) + "-" + upper.astype(str), _whole(values))

    small = homes["area"] < np.exp(4.6)
    rent, unseen = chance(0.019), chance(0.04)
    fees = np.select(
        [chance(0.033), chance(0.023), chance(0.001), np.where(small, chance(0.27), chance(0.38))],
        ["1.0", "10.0", (homes["fees"] * 1_000).map("{:.1f}".format), ""],
        homes["fees"].map("{:.1f}".format),
    )
    price = np.where(rent, (homes["price"] / 180).round(-2), homes["price"] * np.where(chance(0.012), 4, 1))
    area = np.select(
        [chance(0.001), chance(0.001), chance(0.001)], ["0", "--", "20000"], ranged(homes["area"], 0.011, 1.4)
    )
    number = np.where(chance(0.42), ", " + pd.Series(draw.integers(1, 2_000, count)).astype(str), "")
    far = chance(0.015)
    return pd.DataFrame(
        {
            "address": f"{WORDS.street} " + homes["street"].astype(str) + number + np.where(chance(0.5), " ", ""),
            "adm-fees": fees,
            "garage-places": np.where(chance(0.05) | unseen, "--", ranged(homes["garage"], 0.005, 1.1)),
            "price": np.where(chance(0.005), "", pd.Series(price).map("{:.1f}".format)),
            "rooms": np.where(chance(0.043) | unseen, "--", ranged(homes["rooms"], 0.0045, 1.1)),
            "square-foot": area,
            "neighborhood": np.where(chance(0.004), "", " " + homes["neighborhood"]),
            "city": np.where(chance(0.006), f" {WORDS.elsewhere} ", f" {WORDS.city} "),
            "latitude": (homes["latitude"] + np.where(far, 1.1, 0.0)).map("{:.7f}".format),
            "longitude": (homes["longitude"] + np.where(far, 2.8, 0.0)).map("{:.7f}".format),
        }
    )


def _whole(values: pd.Series) -> Text:
    return values.astype(int).astype(str).to_numpy(dtype=object)
