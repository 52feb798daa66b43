"""The model card: what a version is, what it was trained on, how good it is, and what it is bad at."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from pricing.answer.interval import Predicted
from pricing.manifest import Manifest
from training.data.listings import Dataset, population_rule
from training.evaluation.behaviour import behaviour_table
from training.evaluation.confidence import around, confidence, listings_learnt
from training.evaluation.fairness import fairness, fairness_sentence, fairness_table
from training.evaluation.reports.tables import figures_table, table
from training.model.training_part import Rows


@dataclass(frozen=True, slots=True)
class About:
    """What only those know who made the version, in sentences; `prices` are what it was measured by."""

    recipe: str
    learnt: str
    measured: str
    prices: Literal["asking price", "sale price"]


def trained_on(data: Dataset) -> str:
    """Return what a file of listings is, as a card says it."""
    origin = (
        "the **generated sample**: no real listing, good for trying the machinery and for nothing else"
        if data.generated
        else f"`{data.name}` (asking prices of listings, not prices of sales)"
    )
    return (
        f"{origin}. sha256 `{data.sha256}`. {data.report.rows_in:,} rows, {data.report.rows_out:,} in the population "
        f"({population_rule(data.market)}). Listings that may be the same home stay on one side of every split."
    )


def model_card(
    manifest: Manifest,
    about: About,
    test: Rows,
    predicted: Predicted,
    asked: dict[str, Any],
    moves: Mapping[str, float] = MappingProxyType({}),
) -> str:
    """Return the card in Markdown; `predicted`: what it says of the test part, whose prices it did not see.

    `asked`: how it behaves. `moves`: by which fraction each group of inputs moves prices on average.
    """
    sections = [
        f"# {manifest.name}, version {manifest.version}",
        f"{about.recipe} Trained {manifest.created_at}, MLflow run {manifest.mlflow_run_id}.",
        "## What it does",
        f"Prices homes for sale{_where(manifest)}, in {manifest.currency}, from neighbourhood, street, area, rooms, "
        "garage, monthly fee and place; all but neighbourhood and area may be unknown. With each price comes an "
        "interval that holds "
        f"the actual price {manifest.interval.coverage:.0%} of the time. The price is a median: as often too high as "
        "too low.",
        "## What it was trained on",
        about.learnt,
        "## How good it is",
        about.measured,
        figures_table({"test part": manifest.metrics}),
        f"Errors and APE are of the {about.prices}; `bias` is the mean of log(actual / predicted).",
        *_confidence(confidence(test, predicted, manifest.interval, listings_learnt(manifest))),
        *_fairness(about, fairness(test, predicted.log_price)),
        "## How it behaves",
        f"Asked for {asked['homes']:,} homes a little otherwise:",
        behaviour_table(asked),
        *_moves(moves),
        "## What it is bad at",
        _weak_spots(manifest, test, predicted),
        "Outside its population (land, whole buildings, rents, other towns) its prices mean nothing. It knows the "
        "level of prices of the day it was trained; the monitor watches for the day when that is over. It sees no "
        "floor, age or condition. It is no appraisal, and should decide alone about nobody's mortgage or tax.",
    ]
    return "\n\n".join(sections) + "\n"


def _moves(moves: Mapping[str, float]) -> list[str]:
    if not moves:
        return []
    rows = [(name, f"{share:.1%}") for name, share in sorted(moves.items(), key=lambda item: -item[1])]
    return [
        "## What moves its prices",
        "By how much each group of inputs moves the price on average, up or down, against a typical home of the city: "
        "exact Shapley values, from the model that serves (`pricing/answer/reasons.py`).",
        table(("inputs", "on average"), rows),
    ]


def _confidence(found: dict[str, Any] | None) -> list[str]:
    if found is None:
        return []
    rows = [
        (
            name,
            f"{each['share']:.0%}",
            *("" if each[figure] is None else f"{each[figure]:.1%}" for figure in ("median_ape", "coverage")),
            "" if each["relative_width"] is None else f"{each['relative_width']:.0%}",
        )
        for name, each in found["by_class"].items()
    ]
    where = {
        f"{name} listings learnt in the neighbourhood": value
        for name, value in found["coverage_by"]["neighborhood_listings"].items()
    }
    areas, prices = found["coverage_by"]["area_quarter"], found["coverage_by"]["price_tercile"]
    where |= {f"area, quarter {place + 1}": value for place, value in enumerate(areas)}
    where |= {f"price, third {place + 1}": value for place, value in enumerate(prices)}
    held = [(name, f"{value:.1%}") for name, value in where.items() if value is not None]
    return [
        "## How sure it is",
        "The model says how large its error will be, and the interval is as wide as that; `confidence` tells it in one "
        "letter. A is the fifth of homes like those in training of which it is surest, E the fifth of which it is "
        "least sure. The plot is `plots/confidence.png`.",
        table(("confidence", "homes", "median APE", "intervals hold", "width, of the price"), rows),
        table(("homes by", "intervals hold"), held),
    ]


def _fairness(about: About, study: dict[str, Any] | None) -> list[str]:
    if study is None:
        return []
    return [
        "## How fair it is",
        f"{fairness_sentence(study)} A ratio is a predicted over an actual price ({about.prices}). Figures and limits "
        "as in the IAAO's Standard on Ratio Studies (2013): the COD says how far ratios scatter; a PRD above 1, a PRB "
        "below 0 and an MKI below 1 that prices are regressive. The limits are for assessments by sale prices; asking "
        "prices scatter more.",
        fairness_table(study),
    ]


def _where(manifest: Manifest) -> str:
    return f" in {manifest.market.city}" if manifest.market else ""


def _weak_spots(manifest: Manifest, test: Rows, predicted: Predicted) -> str:
    actual, offset = test.log_price, test.log_price - predicted.log_price
    third = np.searchsorted(np.quantile(actual, [1 / 3, 2 / 3]), actual)
    slices = {
        "cheapest third": third == 0,
        "middle third": third == 1,
        "dearest third": third == 2,
        "neighbourhoods with fewer than 10 listings": around(test.frame, listings_learnt(manifest)) < 10,
        "fee unknown": test.frame["adm_fees"].isna().to_numpy(),
    }
    rows = [
        (
            name,
            int(mask.sum()),
            f"{np.median(np.abs(np.expm1(-offset[mask]))):.1%}",
            f"{np.expm1(offset[mask].mean()):+.1%}",
            f"{predicted.take(mask).holds(actual[mask]).mean():.1%}",
        )
        for name, mask in slices.items()
        if mask.any()
    ]
    return table(("listings", "n", "median APE", "actual against predicted, mean", "intervals hold"), rows)
