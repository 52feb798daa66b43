"""What cleaning did to a file: each rule, the rows it touched, what became of them, and why."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from pricing.listing import Features
from pricing.market import Market
from training.data.values import namesakes

RANGES = ("rooms", "garage_places", "area_m2")


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the report; rows of a rule that does not drop are kept, and counted at each rule they meet."""

    rule: str
    rows: int
    dropped: bool
    why: str


@dataclass(frozen=True, slots=True)
class CleaningReport:
    """Rows in, what each rule touched (a dropped row counts once, at the first rule), rows out."""

    rows_in: int
    rules: tuple[Rule, ...]
    rows_out: int


class Readings:
    """Counts what is read otherwise than it is written, in rows that stay, as they come."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._rules = _readings(market)
        self._counts = [0] * len(self._rules)

    def see(self, written: Mapping[str, object], home: Features) -> None:
        """Take a row into account: its fields as they are written, and as they are read."""
        for place, (_, _, meets) in enumerate(self._rules):
            self._counts[place] += meets(written, home)

    def rules(self, frame: pd.DataFrame) -> tuple[Rule, ...]:
        """Return the rules, given the frame of the same rows."""
        by_row = [
            Rule(name, count, dropped=False, why=why)
            for (name, why, _), count in zip(self._rules, self._counts, strict=True)
        ]
        far = Rule(
            f"place over {self._market.namesake_km:.0f} km from its neighbourhood's centre read as that centre "
            "(in the model)",
            int(namesakes(frame, self._market).sum()),
            dropped=False,
            why="a street of the same name elsewhere in town",
        )
        return (*by_row, far)


def _is_range(value: object) -> bool:
    return isinstance(value, str) and "-" in value.strip(" -")


Meets = Callable[[Mapping[str, object], Features], bool]


def _readings(market: Market) -> tuple[tuple[str, str, Meets], ...]:
    fees, money = market.fees, market.currency
    (south, north), (west, east) = market.box.latitude, market.box.longitude

    def outside(_: Mapping[str, object], home: Features) -> bool:
        latitude, longitude = home.latitude, home.longitude
        return (latitude is not None and not south <= latitude <= north) or (
            longitude is not None and not west <= longitude <= east
        )

    return (
        (
            "range read as its middle",
            "several homes in one listing; counts are rounded up",
            lambda written, _: any(_is_range(written.get(name)) for name in RANGES),
        ),
        (
            "rooms or garage unknown",
            "`--` is unknown, not zero; the model fills it",
            lambda _, home: home.rooms is None or home.garage_places is None,
        ),
        (
            "fee unknown",
            "many listings state none; that says something too",
            lambda _, home: home.adm_fees is None,
        ),
        (
            f"fee of {fees.placeholder:.0f} {money} or less read as unknown (in the model)",
            "placeholders, typed to fill a form",
            lambda _, home: home.adm_fees is not None and home.adm_fees <= fees.placeholder,
        ),
        (
            f"fee of {fees.oversized:,.0f} {money} or more read as unknown (in the model)",
            "a thousand times too big",
            lambda _, home: home.adm_fees is not None and home.adm_fees >= fees.oversized,
        ),
        (
            "place outside the metropolitan box read as its neighbourhood's centre (in the model)",
            "a street's name was found in another city",
            outside,
        ),
    )
