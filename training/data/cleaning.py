"""What cleaning did to a file: each rule, the rows it touched, what became of them, and why."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from pricing.listing import Features
from training.data.values import BOX, NAMESAKE_KM, OVERSIZED_FEE, PLACEHOLDER_FEE, namesakes

Raw = Mapping[str, object]
COUNTS = ("rooms", "garage-places")
NUMBERS = (*COUNTS, "square-foot")


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


def touched(kept: Sequence[tuple[Raw, Features]], frame: pd.DataFrame) -> tuple[Rule, ...]:
    """Return what is read otherwise than it is written, in rows that stay; `frame` has the same rows."""
    by_row = [
        Rule(name, sum(meets(raw, home) for raw, home in kept), dropped=False, why=why)
        for name, why, meets in _READINGS
    ]
    far = Rule(
        f"place over {NAMESAKE_KM:.0f} km from its neighbourhood's centre read as that centre (in the model)",
        int(namesakes(frame).sum()),
        dropped=False,
        why="a street of the same name elsewhere in town",
    )
    return (*by_row, far)


def _is_range(value: object) -> bool:
    return "-" in str(value).strip(" -")


def _outside(home: Features) -> bool:
    place = {"latitude": home.latitude, "longitude": home.longitude}
    return any(value is not None and not BOX[name][0] <= value <= BOX[name][1] for name, value in place.items())


_READINGS: tuple[tuple[str, str, Callable[[Raw, Features], bool]], ...] = (
    (
        "range read as its middle",
        "several homes in one listing; counts are rounded up",
        lambda raw, _: any(_is_range(raw.get(name, "")) for name in NUMBERS),
    ),
    (
        "rooms or garage unknown",
        "`--` is unknown, not zero; the model fills it",
        lambda _, home: home.rooms is None or home.garage_places is None,
    ),
    (
        "fee unknown",
        "a third of the market states none; that says something too",
        lambda _, home: home.adm_fees is None,
    ),
    (
        f"fee of {PLACEHOLDER_FEE:.0f} BRL or less read as unknown (in the model)",
        "1.0 and 10.0 are placeholders",
        lambda _, home: home.adm_fees is not None and home.adm_fees <= PLACEHOLDER_FEE,
    ),
    (
        f"fee of {OVERSIZED_FEE:,.0f} BRL or more read as unknown (in the model)",
        "a thousand times too big",
        lambda _, home: home.adm_fees is not None and home.adm_fees >= OVERSIZED_FEE,
    ),
    (
        "place outside the metropolitan box read as its neighbourhood's centre (in the model)",
        "a street's name was found in another city",
        lambda _, home: _outside(home),
    ),
)
