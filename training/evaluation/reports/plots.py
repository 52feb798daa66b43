"""Pictures of a model's errors on its test part, as PNG."""

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd

from pricing.answer.interval import Predicted
from pricing.manifest import Offsets
from training.arrays import Log
from training.evaluation.compare import Compared
from training.evaluation.confidence import around, confidence, count_listings
from training.model.training_part import Rows

Png = bytes
BANDS = 8  # of prices, equally full
BLUE, GREY = "#1f5f8b", "#999999"


def error_plots(said: Predicted, offsets: Offsets, test: Rows, training: pd.DataFrame) -> dict[str, Png]:
    """Return the plots of a model by file name; `said` is what it says of the test part."""
    predicted = said.log_price
    ape = np.abs(np.expm1(predicted - test.log_price))
    learnt = count_listings(training)
    listings = pd.Series(around(test.frame, learnt))
    sizes = pd.cut(listings, [-1, 0, 9, 49, np.inf], labels=["never seen", "1 to 9", "10 to 49", "50 or more"])
    plots = {
        "residuals.png": _residuals(predicted, test.log_price),
        "error_by_price.png": _boxes(ape, _price_bands(test.log_price), "price (thousands)"),
        "error_by_neighborhood.png": _boxes(ape, sizes, "listings of the neighbourhood in training"),
        "ratio_by_price.png": _ratios(predicted, test.log_price),
    }
    if found := confidence(test, said, offsets, learnt):
        plots["confidence.png"] = _by_confidence(found["by_class"], offsets.coverage, len(test.frame))
    return plots


def _ticks(low: float, high: float) -> list[float]:
    """Return round numbers for an axis of logarithms."""
    round_numbers = (digit * 10.0**power for power in range(-6, 9) for digit in (1, 2, 5))
    return [each for each in round_numbers if low <= each <= high]


def _price_bands(log_price: Log) -> "pd.Series[Any]":
    bands = pd.Series(pd.qcut(np.exp(log_price) / 1_000, BANDS))
    names = [f"{band.left:,.0f} to {band.right:,.0f}" for band in bands.cat.categories]
    return bands.cat.rename_categories(names)


def importance_plot(moves: Mapping[str, float]) -> Png:
    """Return by how much each group of inputs moves prices on average, fractions."""
    return _bars({name: 100 * value for name, value in moves.items()}, "moves the price by, on average (%)")


def cost_plot(compared: list[Compared]) -> Png:
    """Return error against cost, a point a candidate."""

    def draw(axes: Any) -> None:  # noqa: ANN401 - matplotlib has no types
        axes.margins(0.15)  # room for the names
        for each in compared:
            axes.plot(each.microseconds, 100 * each.figures["median_ape"], "o", color=BLUE)
            axes.annotate(
                each.name, (each.microseconds, 100 * each.figures["median_ape"]), (6, 4), textcoords="offset points"
            )
        axes.set(xlabel="µs a listing (ONNX, one thread)", ylabel="median APE, out of fold (%)", xlim=(0, None))

    return _png(draw)


def _residuals(predicted: Log, actual: Log) -> Png:
    def draw(axes: Any) -> None:  # noqa: ANN401
        axes.axhline(0, color=GREY)
        millions = np.exp(predicted) / 1e6
        axes.plot(millions, actual - predicted, ".", color=BLUE, alpha=0.4)
        axes.set(xlabel="predicted price (millions)", ylabel="log(actual / predicted)", xscale="log")
        ticks = _ticks(millions.min(), millions.max())
        axes.set_xticks(ticks, [f"{price:g}" for price in ticks])
        axes.minorticks_off()

    return _png(draw)


def _boxes(ape: Log, by: "pd.Series[Any]", label: str) -> Png:
    def draw(axes: Any) -> None:  # noqa: ANN401
        order = list(by.cat.categories)
        errors = [100 * ape[(by == name).to_numpy()] for name in order]
        names = [f"{name}\n(n = {len(each)})" for name, each in zip(order, errors, strict=True)]
        axes.boxplot(errors, tick_labels=names, showfliers=False, medianprops={"color": BLUE, "linewidth": 2})
        axes.set(xlabel=label, ylabel="absolute error (% of the price)")
        axes.tick_params(axis="x", labelsize=7)

    return _png(draw)


def _by_confidence(by_class: Mapping[str, Mapping[str, Any]], promised: float, homes: int) -> Png:
    """Return how large errors are and how often intervals hold, by class."""

    def draw(axes: Any) -> None:  # noqa: ANN401
        axes.axhline(100 * promised, color=GREY, linestyle="--", label=f"promised: {promised:.0%}")
        there = {name: each for name, each in by_class.items() if each["share"]}
        held = [100 * each["coverage"] for each in there.values()]
        errors = [100 * each["median_ape"] for each in there.values()]
        axes.plot(range(len(there)), held, "o", color="black", label="intervals hold")
        axes.bar_label(axes.bar(range(len(there)), errors, color=BLUE, label="median error"), fmt="%.0f %%", padding=2)
        for place, each in enumerate(held):
            axes.annotate(f"{each:.0f} %", (place, each), (0, 7), textcoords="offset points", ha="center")
        names = [f"{name}\n(n = {each['share'] * homes:.0f})" for name, each in there.items()]
        axes.set_xticks(range(len(there)), names)
        axes.set(xlabel="confidence, the surest first", ylabel="% of the price, or of homes", ylim=(0, 112))
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)

    return _png(draw)


def _ratios(predicted: Log, actual: Log) -> Png:
    """Return the median ratio of predicted to actual prices, by band of price."""

    def draw(axes: Any) -> None:  # noqa: ANN401
        bands = _price_bands((actual + predicted) / 2)  # by the actual price alone, chance looks like regressivity
        names = list(bands.cat.categories)
        ratios = [np.median(np.exp(predicted - actual)[(bands == name).to_numpy()]) for name in names]
        axes.axhline(1, color=GREY, linestyle="--")
        axes.plot(range(len(names)), ratios, "o-", color=BLUE)
        axes.set_xticks(range(len(names)), names)
        axes.tick_params(axis="x", labelsize=7)
        axes.set(xlabel="price (thousands), mean of predicted and actual", ylabel="predicted over actual price, median")

    return _png(draw)


def _bars(values: Mapping[str, float], label: str) -> Png:
    def draw(axes: Any) -> None:  # noqa: ANN401
        ordered = sorted(values.items(), key=lambda item: item[1])
        axes.barh([name for name, _ in ordered], [value for _, value in ordered], color=BLUE)
        axes.set(xlabel=label)

    return _png(draw)


def _png(draw: Callable[[Any], None]) -> Png:
    from matplotlib.figure import Figure  # without pyplot: no display, no global state

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    draw(axes)
    out = BytesIO()
    figure.savefig(out, format="png", dpi=120, metadata={"Software": None})
    return out.getvalue()
