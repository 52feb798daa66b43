"""Markets that are made up: homes come, are priced, and are sold 30 to 150 days later."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pricing.listing import Features
from tests.champions import NEIGHBORHOODS, PER_LOG_AREA

BASE = 9.5
SPREAD = 0.2  # standard deviation of log(paid / worth)
DEGREES = 5  # of Student's t: sales have heavy tails
SHARES = (0.55, 0.25, 0.2)  # of the neighbourhoods, in the order of NEIGHBORHOODS
DELAY = (30, 150)  # days from a listing to its sale
CHANGE = 260  # day on which a market changes, if it does
LAST = 730  # days that a market is watched
STREETS = 400

Floats = NDArray[np.float64]
Level = Callable[[float, Floats, NDArray[np.str_], np.random.Generator], Floats]


@dataclass(frozen=True, slots=True)
class Home:
    """A home, what is paid for it beyond what a model can know (log), and the days of its listing and its sale."""

    listing_id: str
    features: Features
    noise: float
    listed: float
    sold: float


def still(day: float, noise: Floats, places: NDArray[np.str_], draw: np.random.Generator) -> Floats:
    """Return the log of what is paid over what the first champion says of each home: here, noise alone."""
    return noise


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A market, how its sales are reported, and how often a home is submitted.

    `paid` gives log(paid / first champion's worth) of homes sold on a day, and `known` the part of it that the best
    of models could know: None where that is what it gives without noise. `reported` spoils reports: prices in, prices
    out. `changes` says whether there is something to repair.
    """

    name: str
    paid: Level = still
    reported: Callable[[float, Floats, np.random.Generator], Floats] = lambda day, prices, draw: prices
    sales_a_week: int = 10
    listings_a_week: int = 10
    events: int = 1
    known: Level | None = None
    changes: bool = False


def after(change: Level) -> Level:
    """Return a market that stands still until `CHANGE`."""

    def paid(day: float, noise: Floats, places: NDArray[np.str_], draw: np.random.Generator) -> Floats:
        return noise if day < CHANGE else change(day, noise, places, draw)

    return paid


def _step(factor: float) -> Level:
    return after(lambda _day, noise, _places, _draw: noise + np.log(factor))


def _drifting(a_year: float) -> Level:
    return after(lambda day, noise, _places, _draw: noise + np.log(a_year) * (day - CHANGE) / 365)


def _mixed(_day: float, noise: Floats, _places: NDArray[np.str_], draw: np.random.Generator) -> Floats:
    return noise + np.log(np.where(draw.random(len(noise)) < 0.5, 1.2, 1 / 1.2))


def _in_one_place(_day: float, noise: Floats, places: NDArray[np.str_], _draw: np.random.Generator) -> Floats:
    return noise + np.where(places == "Lourdes", np.log(1.35), 0.0)


def _dollars(day: float, prices: Floats, draw: np.random.Generator) -> Floats:
    return prices / 5.4 if day >= CHANGE else prices


def _half_price(day: float, prices: Floats, draw: np.random.Generator) -> Floats:
    return prices * 0.45 if day >= CHANGE else prices


def _typed(_day: float, prices: Floats, draw: np.random.Generator) -> Floats:
    slip = draw.random(len(prices))
    return np.select([slip < 0.03, slip < 0.05, slip < 0.06], [prices * 10, prices / 10, 1.0], prices)


SCENARIOS = (
    Scenario(name="still"),
    Scenario(name="prices rise by 15 %", paid=_step(1.15), changes=True),
    Scenario(name="prices fall by 15 %", paid=_step(1 / 1.15), changes=True),
    Scenario(name="prices rise by 1 % a month", paid=_drifting(1.127), changes=True),
    Scenario(name="half the homes + 20 %, half - 20 %", paid=after(_mixed), known=still, changes=True),
    Scenario(name="one district + 35 %", paid=after(_in_one_place), changes=True),
    Scenario(name="errors one and a half times as large", paid=after(lambda _d, e, _p, _r: 1.5 * e), changes=True),
    Scenario(name="sales reported in dollars", reported=_dollars),
    Scenario(name="sales reported at 45 %", reported=_half_price),
    Scenario(name="6 % of sales typed wrongly", reported=_typed),
    Scenario(name="each home submitted five times", listings_a_week=60, events=5),
    Scenario(name="two sales a week, prices rise by 15 %", paid=_step(1.15), sales_a_week=2, changes=True),
    Scenario(name="no sales at all", sales_a_week=0),
)


def homes(scenario: Scenario, seed: int) -> Iterator[Home]:
    """Yield the homes of a market in the order in which they are listed."""
    draw = np.random.default_rng(seed)
    for week in range(-DELAY[1] // 7, LAST // 7 + 1):
        for number in range(scenario.listings_a_week):
            listed = 7 * week + 7 * float(draw.random())
            sells = number < scenario.sales_a_week
            yield Home(
                f"W{week}-{number}",
                _features(draw),
                float(draw.standard_t(DEGREES)) * SPREAD / float(np.sqrt(DEGREES / (DEGREES - 2))),
                listed,
                listed + float(draw.uniform(*DELAY)) if sells else np.inf,
            )


def probes(count: int = 600) -> list[Home]:
    """Return homes that nobody reports about: what the champion's errors are measured on."""
    draw = np.random.default_rng(1)
    return [replace(each, listing_id=f"P{n}") for n, each in zip(range(count), _endless(draw), strict=False)]


def _endless(draw: np.random.Generator) -> Iterator[Home]:
    while True:
        noise = float(draw.standard_t(DEGREES)) * SPREAD / float(np.sqrt(DEGREES / (DEGREES - 2)))
        yield Home("", _features(draw), noise, 0.0, 0.0)


def _features(draw: np.random.Generator) -> Features:
    return Features(
        neighborhood=str(draw.choice(list(NEIGHBORHOODS), p=SHARES)),
        street=f"Rua {draw.integers(STREETS)}",
        area_m2=float(np.exp(draw.normal(4.6, 0.25)).clip(40, 200).round()),
    )


def worth(each: list[Home]) -> Floats:
    """Return the log of what the first champion says of homes, shape (N,)."""
    said = [BASE + PER_LOG_AREA * np.log(home.features.area_m2) for home in each]
    return np.array(said) + np.array([NEIGHBORHOODS[home.features.neighborhood] for home in each])
