"""The model card: what a version is, what it was trained on, how good it is, and what it is bad at."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pricing.manifest import Manifest
from training.arrays import Log
from training.data.listings import Dataset, population_rule
from training.evaluation.fairness import fairness, fairness_sentence, fairness_table
from training.evaluation.figures import width_and_coverage
from training.evaluation.tables import figures_table, table
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


def model_card(manifest: Manifest, about: About, test: Rows, predicted: Log) -> str:
    """Return the card in Markdown; `predicted`: log prices of the test part, whose prices the model did not see."""
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
        *_fairness(about, fairness(test, predicted)),
        "## What it is bad at",
        _weak_spots(manifest, test, predicted),
        "Outside its population (land, whole buildings, rents, other towns) its prices mean nothing. It knows the "
        "level of prices of the day it was trained; the monitor watches for the day when that is over. It sees no "
        "floor, age or condition. It is no appraisal, and should decide alone about nobody's mortgage or tax.",
    ]
    return "\n\n".join(sections) + "\n"


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


def _weak_spots(manifest: Manifest, test: Rows, predicted: Log) -> str:
    actual, offset = test.log_price, test.log_price - predicted
    third = np.searchsorted(np.quantile(actual, [1 / 3, 2 / 3]), actual)
    shares: dict[str, float] = manifest.reference["neighborhood"]
    listings = test.frame["neighborhood"].map(shares).fillna(0.0).to_numpy() * manifest.reference["rows"]
    slices = {
        "cheapest third": third == 0,
        "middle third": third == 1,
        "dearest third": third == 2,
        "neighbourhoods with fewer than 10 listings": listings.round() < 10,
        "fee unknown": test.frame["adm_fees"].isna().to_numpy(),
    }
    rows = [
        (
            name,
            int(mask.sum()),
            f"{np.median(np.abs(np.expm1(-offset[mask]))):.1%}",
            f"{np.expm1(offset[mask].mean()):+.1%}",
            f"{width_and_coverage(actual[mask], predicted[mask], manifest.interval)['coverage']:.1%}",
        )
        for name, mask in slices.items()
        if mask.any()
    ]
    return table(("listings", "n", "median APE", "actual against predicted, mean", "intervals hold"), rows)
