"""How a model behaves when it is asked the same home a little otherwise: more of it, or in another spelling."""

import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np

from pricing.listing import Features
from training.arrays import Log
from training.evaluation.reports.tables import table

HOMES = 1_000  # that are asked, at most
TOLERANCE = 0.02  # of a price, by which more of a home may lower it
STEP = 0.05  # of a price: no change of the area by 1 % should change it by more
MORE_AREA, LITTLE_AREA = 1.10, 1.01

Predict = Callable[[Sequence[Features]], Log]
Change = Callable[[Features], Features | None]


def behaviour(predict: Predict, homes: Sequence[Features]) -> dict[str, Any]:
    """Return what becomes of the prices of homes, evenly taken from those given, when each is changed.

    `more_area`, `more_rooms`, `more_garage`: how many were asked (what is unknown cannot be more), the share whose
    price falls by more than the tolerance, and the worst change as a fraction. `small_step`: the share whose price
    changes by more than 5 % for 1 % of area, and the largest change. `spelling`: the share whose price changes at all
    when names are written in capitals without accents.
    """
    asked = list(homes)[:: max(1, len(homes) // HOMES)][:HOMES]
    before = predict(asked)

    def changes(change: Change) -> Log:
        changed = [(place, each) for place, home in enumerate(asked) if (each := change(home)) is not None]
        if not changed:
            return np.empty(0)
        places = [place for place, _ in changed]
        return np.expm1(predict([each for _, each in changed]) - before[places])

    def falls(change: Change) -> dict[str, float]:
        found = changes(change)
        if not found.size:
            return {"asked": 0, "lowered": 0.0, "worst": 0.0}
        return {"asked": len(found), "lowered": float(np.mean(found < -TOLERANCE)), "worst": float(found.min())}

    small = np.abs(changes(lambda home: msgspec.structs.replace(home, area_m2=home.area_m2 * LITTLE_AREA)))
    return {
        "homes": len(asked),
        "tolerance": TOLERANCE,
        "more_area": falls(lambda home: msgspec.structs.replace(home, area_m2=home.area_m2 * MORE_AREA)),
        "more_rooms": falls(_one_more("rooms")),
        "more_garage": falls(_one_more("garage_places")),
        "small_step": {"limit": STEP, "above": float(np.mean(small > STEP)), "largest": float(small.max())},
        "spelling": {"changed": float(np.mean(np.abs(changes(_respelled)) > 1e-6))},
    }


def _one_more(name: str) -> Change:
    def change(home: Features) -> Features | None:
        known = getattr(home, name)
        return None if known is None else msgspec.structs.replace(home, **{name: known + 1})

    return change


def _respelled(home: Features) -> Features:
    return msgspec.structs.replace(
        home, neighborhood=_plain(home.neighborhood), street=_plain(home.street or "") or None
    )


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name)
    return "".join(each for each in letters if not unicodedata.combining(each)).upper()


def behaviour_table(found: dict[str, Any]) -> str:
    """Return it as Markdown."""
    tolerance = f"{found['tolerance']:.0%}"
    rows = [
        (
            f"{what}: price falls by more than {tolerance}",
            each["asked"],
            f"{each['lowered']:.1%}",
            f"{each['worst']:+.1%}",
        )
        for what, each in (
            ("10 % more area", found["more_area"]),
            ("a room more, at the same area", found["more_rooms"]),
            ("a garage place more", found["more_garage"]),
        )
    ]
    step = found["small_step"]
    rows.append(
        (
            f"1 % more area: price changes by more than {step['limit']:.0%}",
            found["homes"],
            f"{step['above']:.1%}",
            f"{step['largest']:.1%}",
        )
    )
    rows.append(
        ("names in capitals, without accents: another price", found["homes"], f"{found['spelling']['changed']:.1%}", "")
    )
    return table(("asked", "homes", "share", "worst"), rows)
