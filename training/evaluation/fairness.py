"""How fair prices are: the ratio study of a test part, whole and by tercile, with intervals and IAAO limits."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from lambdas.drift.ratio_study import FEWEST, FIGURES, IAAO_LIMITS, RatioStudy, bounds, by_tercile, outside, ratio_study
from training.arrays import Log
from training.evaluation.reports.tables import table
from training.model.training_part import Rows

NAMES = {
    "median_ratio": "median ratio",
    "cod": "COD",
    "prd": "PRD",
    "prb": "PRB",
    "mki": "MKI",
    "within_10": "within 10 %",
    "within_20": "within 20 %",
}


def study_of(test: Rows, predicted: Log) -> RatioStudy:
    """Return the ratio study of log prices predicted for a test part."""
    return ratio_study(np.exp(test.log_price), np.exp(predicted))


def fairness(test: Rows, predicted: Log, classes: Sequence[str | None] = ()) -> dict[str, Any] | None:
    """Return the study of a test part as `belo evaluate --json` prints it; None where there are too few homes.

    Each figure with its 95 % bootstrap interval, by group of listings; `outside_iaao` names those beyond the limits.
    `classes`: of confidence, for each home.
    """
    if len(predicted) < 3 * FEWEST:
        return None
    actual, prices = np.exp(test.log_price), np.exp(predicted)
    whole, found = ratio_study(actual, prices), bounds(actual, prices, test.groups)
    thirds = by_tercile(actual, lambda mask: ratio_study(actual[mask], prices[mask]))
    return {
        "n": whole.n,
        **{name: {"value": getattr(whole, name), "low": found[name][0], "high": found[name][1]} for name in FIGURES},
        "outside_iaao": outside(whole),
        "by_price_tercile": [msgspec.to_builtins(each) for each in thirds],
        "by_confidence": studies(actual, prices, np.array(classes), sorted({each for each in classes if each})),
    }


def studies(actual: Log, prices: Log, labels: NDArray[Any], names: Iterable[str]) -> dict[str, Any]:
    """Return the study of the homes of each label, in the order of `names`; of those that have enough homes."""
    masks = {str(name): labels == name for name in names}
    return {
        name: msgspec.to_builtins(ratio_study(actual[mask], prices[mask]))
        for name, mask in masks.items()
        if mask.sum() >= FEWEST
    }


def fairness_table(study: dict[str, Any]) -> str:
    """Return the study as Markdown, with the limits of the IAAO."""
    rows = []
    for name, called in NAMES.items():
        figure = study[name]
        low, high = IAAO_LIMITS.get(name, (None, None))
        limits = "" if low is None else f"{low:g} to {high:g}" + (", outside" if name in study["outside_iaao"] else "")
        thirds = ", ".join(f"{each[name]:.3f}" for each in study["by_price_tercile"])
        rows.append((called, f"{figure['value']:.3f}", f"{figure['low']:.3f} to {figure['high']:.3f}", limits, thirds))
    return table(("figure", "value", "95 % interval", "IAAO", "by price tercile, cheapest first"), rows)


def fairness_sentence(study: dict[str, Any]) -> str:
    """Return in one sentence whom the prices favour."""
    prd = study["prd"]
    if prd["low"] <= 1.0 <= prd["high"]:
        return "Cheap and dear homes are priced alike, as far as the test part can tell."
    kind = (
        "regressive: too high at the bottom, too low at the top"
        if prd["value"] > 1
        else "progressive: the other way round"
    )
    return f"Prices are {kind} (PRD {prd['value']:.3f})."
