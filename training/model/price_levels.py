"""What a neighbourhood and a street are worth, learned from the listings there: tables looked up by name."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pricing.market import Market
from training.arrays import Floats, Log
from training.data.values import centres
from training.params import Encoding

MOST_ROOMS = 10.0  # more rooms or garage places than this say nothing more about the price


@dataclass(frozen=True, slots=True)
class PriceLevels:
    """Fitted tables, float32: a row for each name and, last, the row of names never seen.

    `neighborhood_table` has the columns `OF_NEIGHBORHOOD`, `street_table` has `OF_STREET`. For each of the market's own
    columns of text, `texts` has its values and their table, of what a value adds to the log price.
    """

    market: Market

    neighborhoods: tuple[str, ...]
    neighborhood_table: Floats
    streets: tuple[str, ...]
    street_table: Floats
    texts: dict[str, tuple[tuple[str, ...], Floats]]


OF_NEIGHBORHOOD = ("level", "listings", "latitude", "longitude", "area", "fee_per_m2", "without_fee", "garage")
OF_STREET = ("effect", "listings")


def fit_levels(frame: pd.DataFrame, log_price: Log, params: Encoding, market: Market) -> PriceLevels:
    """Return the tables of some listings.

    A neighbourhood's level is the mean of what area, rooms and garage (slopes found within neighbourhoods)
    leave of its log prices, a street's effect the mean of what the level leaves; both shrunk by the number of
    listings. Beside them stand the neighbourhood's centre and its stock: mean area (m²), fee per m², share without a
    fee, and garage places.
    """
    rest = _without_size(frame, log_price)
    city = float(rest.mean())
    place = frame["neighborhood"]
    level = _shrunk(pd.Series(rest), place, city, params.neighborhood_prior)
    rest = rest - place.map(level).to_numpy(dtype=np.float64)
    street = frame["street"].where(frame["street"] != "")  # homes whose street is unknown have none in common
    effect = _shrunk(pd.Series(rest), street, 0.0, params.street_prior)
    stock, elsewhere = _stock(frame, params.stock_prior, market)
    columns = [level, place.value_counts(), *centres(frame, market), *stock]
    rest = rest - street.map(effect).fillna(0.0).to_numpy(dtype=np.float64)
    return PriceLevels(
        market,
        tuple(map(str, level.index)),
        _table(columns, level.index, [city, 0.0, np.nan, np.nan, *elsewhere]),
        tuple(map(str, effect.index)),
        _table([effect, street.value_counts()], effect.index, [0.0, 0.0]),
        {name: _text_effect(frame[name], rest, params.neighborhood_prior) for name in market.texts},
    )


def _text_effect(values: pd.Series, rest: Log, weight: float) -> tuple[tuple[str, ...], Floats]:
    """Return the values of a column of text, and what each adds to what places leave of the log price."""
    effect = _shrunk(pd.Series(rest), values, 0.0, weight)
    return tuple(map(str, effect.index)), _table([effect], effect.index, [0.0])


def _without_size(frame: pd.DataFrame, log_price: Log) -> Log:
    size = np.column_stack(
        [np.log(_numbers(frame, "area_m2")), _filled(frame, "rooms"), _filled(frame, "garage_places")]
    )
    both = pd.DataFrame(np.column_stack([size, log_price]))
    within = (both - both.groupby(frame["neighborhood"].to_numpy()).transform("mean")).to_numpy()
    slopes, *_ = np.linalg.lstsq(within[:, :-1], within[:, -1], rcond=None)
    rest: Log = log_price - size @ slopes
    return rest


def _numbers(frame: pd.DataFrame, name: str) -> Log:
    return frame[name].to_numpy(dtype=np.float64)


def _filled(frame: pd.DataFrame, name: str) -> Log:
    values = _numbers(frame, name)
    known = ~np.isnan(values)
    middle = float(np.median(values[known])) if known.any() else 0.0
    return np.minimum(np.where(known, values, middle), MOST_ROOMS)


def _shrunk(values: pd.Series, keys: pd.Series, prior: float, weight: float) -> pd.Series:
    grouped = values.groupby(keys.to_numpy())
    return (grouped.sum() + weight * prior) / (grouped.count() + weight)


def _stock(frame: pd.DataFrame, weight: float, market: Market) -> tuple[list[pd.Series], list[float]]:
    stated = frame["adm_fees"].between(market.fees.placeholder, market.fees.oversized, inclusive="neither")
    fees = frame["adm_fees"].where(stated).astype(np.float64)
    columns = [
        pd.Series(np.log(_numbers(frame, "area_m2"))),
        pd.Series(np.log((fees / frame["area_m2"]).to_numpy(dtype=np.float64))).clip(-1.0, 4.0),
        fees.isna().astype(np.float64),
        frame["garage_places"].astype(np.float64).clip(upper=MOST_ROOMS),
    ]
    means = [float(column.mean()) for column in columns]
    by_place = [
        _shrunk(column, frame["neighborhood"], mean, weight) for column, mean in zip(columns, means, strict=True)
    ]
    geometric = [column.map(math.exp) for column in by_place[:2]]
    return [*geometric, *by_place[2:]], [*map(math.exp, means[:2]), *means[2:]]


def _table(columns: list[pd.Series], keys: "pd.Index[str]", elsewhere: list[float]) -> Floats:
    known = np.column_stack([column.reindex(keys).to_numpy(dtype=np.float64) for column in columns])
    return np.vstack([known, elsewhere]).astype(np.float32)
