"""How often does the monitor cry wolf, and how soon does it see a wolf?

    python -m benchmarks.false_alarms

A history is a champion's life: 360 sales, and ten looks at 500 new listings each. The listings are the generated
sample's: one half, drawn by lot, is the training part, the other the market, which stands still. Residuals of sales
have heavy tails (Student's t with 4 degrees, sd 0.30), and sales close 5 % below asking prices, which the monitor is
not told. Prints tables and writes build/false_alarms.json; exit code 1 where more than 18 of 300 histories ring.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from lambdas.archive_bucket.prediction_rows import ArchivedPrediction
from lambdas.drift import error_drift, listing_drift, price_drift
from lambdas.drift.price_drift import HORIZON, LEARNING, Sales
from lambdas.drift.watch import ERRORS, FAMILY, LEVELS, LISTINGS
from pricing.listing import Features
from training.data.listings import read_listings
from training.data.sample import write_sample
from training.export.reference import reference

HISTORIES, ALLOWED = 300, 18
SPLITS = 30  # of the sample into training part and market; a reference costs half a second of simulation
LOOKS, WINDOW = 10, 500
CHANGED = 100  # histories for each change of errors
BEFORE = 200  # sales before prices rise
RISES, AFTER = (5, 10, 15, 20), (30, 50, 60, 100)
DISCOUNT = -0.05
HALF_WIDTH = 1.645  # of an interval of 90 %, in units of the spread it states
PLACES = [f"Bairro {number}" for number in range(30)]
SHARES = 1 / np.arange(1, 31) / (1 / np.arange(1, 31)).sum()
OUTPUT = Path("build/false_alarms.json")

Draw = np.random.Generator
Residuals = Callable[[Draw, int], NDArray[np.float64]]

# Residuals of log price with sd 0.30, and the spread that an honest 90 % interval states for them.
WORLDS: dict[str, tuple[Residuals, float]] = {
    "heavy tails (t, 4 degrees)": (lambda draw, n: draw.standard_t(4, n) * 0.30 / 2**0.5, 0.275),
    "normal": (lambda draw, n: draw.normal(0, 0.30, n), 0.30),
    "normal, 2 % typing errors": (lambda draw, n: draw.normal(0, 0.30, n) + _slips(draw, n), 0.30),
    "normal, intervals a third too narrow: they should ring": (lambda draw, n: draw.normal(0, 0.30, n), 0.20),
}
MAIN = "heavy tails (t, 4 degrees)"


def _slips(draw: Draw, n: int) -> NDArray[np.float64]:
    return np.where(draw.random(n) < 0.02, np.log(10) * draw.choice([-1, 1], n), 0.0)


def main() -> None:
    started = time.monotonic()
    listings = [listings_ring(split) for split in range(SPLITS)]
    by_listings = np.concatenate(listings)
    by_prices = {world: prices_ring(world) for world in WORLDS}
    rang = int((by_listings | by_prices[MAIN]).sum())
    powers = [row for world in list(WORLDS)[:2] for row in power(world)]
    figures = {
        "nominal": FAMILY,
        "histories": HISTORIES,
        "rang": rang,
        "allowed": ALLOWED,
        "rang_by": {"listings": int(by_listings.sum()), "sale prices": int(by_prices[MAIN].sum())},
        "rang_by_sale_prices": {world: int(each.sum()) for world, each in by_prices.items()},
        "power": powers,
        "power_of_errors": {change: error_power(change) for change in CHANGES},
        "seconds": round(time.monotonic() - started, 1),
    }
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps(figures, indent=1) + "\n")
    show(figures)
    sys.exit(0 if rang <= ALLOWED else 1)


def prices_ring(world: str) -> NDArray[np.bool_]:
    """Return which histories without a change ring for sale prices."""
    residuals, spread = WORLDS[world]
    draw = np.random.default_rng(1)
    found = []
    for _ in range(HISTORIES):
        offset = DISCOUNT + residuals(draw, LEARNING + HORIZON)
        found.append(rings(draw, offset, spread))
    return np.array(found)


def rings(draw: Draw, offset: NDArray[np.float64], spread: float) -> bool:
    """Return whether the level, the errors or a place of a history rings."""
    wide = np.full(len(offset), HALF_WIDTH * spread)
    sales, places = Sales(offset, np.full(len(offset), spread)), draw.choice(PLACES, len(offset), p=SHARES)
    errors = error_drift.check_errors(error_drift.Errors(sales, -wide, wide, list(places), 0.9), ERRORS)
    return price_drift.find_shift(sales, 0.0, LEVELS).rang or any(each.rang for each in errors)


def power(world: str) -> list[dict[str, Any]]:
    """Return how often a rise is seen within so many sales, where nothing had rung before it."""
    residuals, spread = WORLDS[world]
    found = []
    for rise in RISES:
        draw = np.random.default_rng(rise)
        at = []
        for _ in range(HISTORIES):
            offset = DISCOUNT + residuals(draw, BEFORE + max(AFTER))
            offset[BEFORE:] += np.log(1 + rise / 100)
            shift = price_drift.find_shift(Sales(offset, np.full(len(offset), spread)), 0.0, LEVELS)
            at.append(shift.rang_after_sales or np.inf)
        later = np.array(at)[np.array(at) > BEFORE] - BEFORE
        found += [
            {"residuals": world, "rise_percent": rise, "sales": n, "power": round(float((later <= n).mean()), 3)}
            for n in AFTER
        ]
    return found


CHANGES: dict[str, Callable[[NDArray[np.float64], NDArray[np.str_], Draw], NDArray[np.float64]]] = {
    "errors half as large again": lambda offset, _, __: DISCOUNT + (offset - DISCOUNT) * 1.5,
    "errors twice as large": lambda offset, _, __: DISCOUNT + (offset - DISCOUNT) * 2,
    "half the homes + 20 %, half - 20 %": lambda offset, _, draw: offset + np.log(draw.choice([1.2, 0.8], len(offset))),
    "+ 35 % in a district with a quarter of the sales": lambda offset, places, _: offset + _in("Bairro 0", places),
    "+ 35 % in a district with a twelfth of the sales": lambda offset, places, _: offset + _in("Bairro 2", places),
}


def _in(place: str, places: NDArray[np.str_]) -> NDArray[np.float64]:
    return np.where(places == place, np.log(1.35), 0.0)


def error_power(change: str) -> dict[str, float]:
    """Return which share of histories each watch rings in, within `HORIZON` sales after a change that spares the level.

    "any" is any of them, the level's included.
    """
    residuals, spread = WORLDS[MAIN]
    draw = np.random.default_rng(1)
    rang: Counter[str] = Counter()
    for _ in range(CHANGED):
        offset = DISCOUNT + residuals(draw, BEFORE + HORIZON)
        places = draw.choice(PLACES, len(offset), p=SHARES)
        offset[BEFORE:] = CHANGES[change](offset[BEFORE:], places[BEFORE:], draw)
        wide, sales = np.full(len(offset), HALF_WIDTH * spread), Sales(offset, np.full(len(offset), spread))
        checks = error_drift.check_errors(error_drift.Errors(sales, -wide, wide, list(places), 0.9), ERRORS)
        found = {each.test for each in checks if each.rang}
        if price_drift.find_shift(sales, 0.0, LEVELS).rang:
            found.add("level")
        rang.update([*found, *(["any"] if found else [])])
    return {name: rang[name] / CHANGED for name in ("coverage", "spread", "place", "level", "any")}


def listings_ring(split: int) -> NDArray[np.bool_]:
    """Return which of a split's histories without a change ring for listings, at any of their looks."""
    draw = np.random.default_rng(split)
    frame = _sample()
    training = draw.random(len(frame)) < 0.5
    known = reference(frame[training], frame["log_price"][training].to_numpy(), draw.normal(0, 0.30, 800))
    market = [_row(home) for home in frame[~training].to_dict("records")]
    found = []
    for _ in range(HISTORIES // SPLITS):
        rang = False
        for look in range(1, LOOKS + 1):
            homes = enumerate(draw.integers(0, len(market), WINDOW))
            rows = [msgspec.structs.replace(market[place], listing_id=f"{number}") for number, place in homes]
            refused = int(draw.binomial(WINDOW, 0.002))
            checks = listing_drift.compare_window(rows, refused, known, LISTINGS / (look * (look + 1)))
            rang = rang or any(each.rang for each in checks)
        found.append(rang)
    return np.array(found)


_frames: list[pd.DataFrame] = []


def _sample() -> pd.DataFrame:
    if not _frames:
        frame = read_listings(write_sample(OUTPUT.with_name("false_alarms_sample.csv")), generated=True).frame
        level = frame.groupby("neighborhood")["price"].transform(lambda prices: np.log(prices).mean())
        frame["log_price"] = level + 0.5 * (np.log(frame["area_m2"]) - 4.7)
        _frames.append(frame)
    return _frames[0]


def _row(home: dict[str, Any]) -> ArchivedPrediction:
    fields = {name: home[name] for name in Features.__struct_fields__}
    fields["street"] = fields["street"] or None
    known = {name: None if isinstance(value, float) and np.isnan(value) else value for name, value in fields.items()}
    price = float(np.exp(home["log_price"]))
    return ArchivedPrediction(
        id="",
        time="",
        arrived_at=datetime(2026, 11, 1, tzinfo=UTC) + timedelta(0),
        listing_id="",
        event_source="",
        event_id="",
        predicted_price=price,
        low=price / 1.6,
        high=price * 1.6,
        coverage=0.9,
        model_version="1",
        shadow_version=None,
        shadow_price=None,
        **known,
    )


def show(figures: dict[str, Any]) -> None:
    say = Console(width=110, highlight=False)
    say.print(
        f"False alarms: {figures['rang']} of {HISTORIES} histories ring (nominal {FAMILY:.0%}, allowed {ALLOWED}); "
        f"listings {figures['rang_by']['listings']}, sale prices {figures['rang_by']['sale prices']}"
    )
    for world, count in figures["rang_by_sale_prices"].items():
        say.print(f"  sale prices, {world}: {count}")
    table = Table("residuals", "rise", *(f"{n} sales" for n in AFTER), title="Seen within")
    cells = {(row["residuals"], row["rise_percent"], row["sales"]): row["power"] for row in figures["power"]}
    for world in dict.fromkeys(row["residuals"] for row in figures["power"]):
        for rise in RISES:
            table.add_row(world, f"{rise} %", *(f"{cells[world, rise, n]:.0%}" for n in AFTER))
    say.print(table)
    watches = Table("change", *next(iter(figures["power_of_errors"].values())), title=f"Seen within {HORIZON} sales by")
    for change, found in figures["power_of_errors"].items():
        watches.add_row(change, *(f"{share:.0%}" for share in found.values()))
    say.print(watches)
    say.print(f"{figures['seconds']} s; {OUTPUT}")


if __name__ == "__main__":
    main()
