"""The course of the drift demo: what homes went for against what was predicted of them, sale by sale."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

OVER = 50  # sales of the running median
INK, ALARM, GOOD = "#1f3a5f", "#b3261e", "#2e7d32"
BOX = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 2}


@dataclass(frozen=True, slots=True)
class Course:
    """Prices predicted and paid, shape (N,); after how many sales prices rose, the alarm rang, a challenger served."""

    predicted: NDArray[np.float64]
    paid: NDArray[np.float64]
    rose: int
    rang: int
    promoted: int

    def write(self, path: Path) -> None:
        """Write a line for each home."""
        pd.DataFrame({"predicted_price": self.predicted, "sale_price": self.paid}).round(2).to_csv(
            path, index_label="sale"
        )


def draw(course: Course, figures: dict[str, Any], path: Path) -> None:
    """Draw the course as a PNG."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    ratio = 100 * (course.paid / course.predicted - 1)
    sale = np.arange(1, len(ratio) + 1)
    running = pd.Series(ratio).rolling(OVER, min_periods=10).median()
    running[course.promoted : course.promoted + 10] = np.nan  # a median over two champions says nothing
    fresh = pd.Series(ratio[course.promoted :]).rolling(OVER, min_periods=10).median()
    running[course.promoted :] = fresh.to_numpy()
    figure, axes = plt.subplots(figsize=(10, 4.2), dpi=120)
    axes.axhline(0, color="#999999", linewidth=0.8)
    axes.scatter(sale, ratio, s=5, color=INK, alpha=0.2, linewidths=0)
    axes.plot(sale, running, color=INK, linewidth=2, label=f"median of {OVER} sales")
    marks = (
        (course.rose, ALARM, ":", "prices rise 15 %"),
        (course.rang, ALARM, "-", f"alarm, after {figures['rang_after_sales']} sales"),
        (course.promoted, GOOD, "-", f"version {figures['champion_after']} promoted"),
    )
    for place, colour, style, label in marks:
        axes.axvline(place, color=colour, linestyle=style, linewidth=1.5, label=label)
    spans = ((0, course.rose, "before"), (course.rose, course.promoted, "drifted"))
    for first, last, name in (*spans, (course.promoted, len(ratio), "after")):
        told = f"off by {figures[f'off_{name}']:+.0%}\nmedian error {figures[f'error_{name}']:.1%}"
        axes.text((first + last) / 2, 62, told, ha="center", va="top", fontsize=9, bbox=BOX)
    axes.set(xlim=(0, len(ratio)), ylim=(-65, 65), xlabel="homes, in the order of their sale")
    axes.set_ylabel("paid over predicted, %")
    axes.legend(loc="lower right", fontsize=8, framealpha=0.9)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)
