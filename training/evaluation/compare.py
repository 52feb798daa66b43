"""Every candidate on the same folds of the training part: what it errs, and what it costs to serve."""

from collections.abc import Iterator
from dataclasses import dataclass

from training.evaluation.conformal import EncodedFolds, predicted_unseen
from training.evaluation.figures import Figures, point_figures
from training.evaluation.fits import Fits
from training.evaluation.reports.tables import table
from training.evaluation.timing import batch_run, microseconds_a_listing
from training.model.candidates import CANDIDATES
from training.model.training_part import Rows, TrainingPart
from training.params import Params


@dataclass(frozen=True, slots=True)
class Compared:
    """A candidate's figures out of fold, its time a listing (µs, one thread, a batch), and its file's size."""

    name: str
    figures: Figures
    microseconds: float
    size: int


def compare(
    rows: Rows, whole: TrainingPart, encoded_folds: EncodedFolds, params: Params, fits: Fits
) -> Iterator[Compared]:
    """Yield one candidate after the other."""
    parts = [part for _, part in encoded_folds]
    for name, candidate in CANDIDATES.items():
        *unseen, pricer = fits.pricers([(candidate, part, params) for part in (*parts, whole)])
        predicted = predicted_unseen(unseen, rows, encoded_folds, params)
        figures, model = point_figures(rows.log_price, predicted), pricer.onnx()
        took = microseconds_a_listing(batch_run(model, rows.frame))
        yield Compared(name, figures, round(took, 2), len(model))


def comparison_report(compared: list[Compared]) -> str:
    """Return error against cost, a line a candidate."""
    rows = [
        (
            each.name,
            f"{each.figures['median_ape']:.1%}",
            f"{each.figures['rmse']:,.0f}",
            f"{each.figures['r2']:.3f}",
            each.microseconds,
            f"{each.size / 1e3:,.0f}",
        )
        for each in compared
    ]
    head = ("candidate", "median APE", "RMSE", "R²", "µs a listing", "kB")
    return f"# Candidates, out of fold on the training part\n\n{table(head, rows)}\n"
