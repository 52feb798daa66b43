"""How large the champion's errors are before any home is sold: a direct loss estimate.

The mean of the errors that the model itself expected of what it priced. It sees a change of mix, such as more homes of
a kind that is hard to price, and never a change of prices: that the sales must say. Source: Garg, Balakrishnan, Lipton,
Neyshabur and Sedghi (2022), and the direct loss estimation of NannyML, for the idea; the expected errors are the
champion's own second output.
"""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from lambdas.archive_bucket.prediction_rows import ArchivedPrediction
from lambdas.archive_bucket.reader import Labelled
from pricing.manifest import Manifest

FEWEST = 30  # sales whose realised error is stated


class LossEstimate(Struct, frozen=True, kw_only=True):
    """Mean absolute errors of the log price: expected of the window's homes, expected of those learnt, and realised.

    `realised` is of the newest `sales` sales of homes that the champion has not learnt; None for few. `confidence` are
    shares of the window's predictions by class.
    """

    expected: float
    expected_of_learnt: float | None
    realised: float | None
    sales: int
    confidence: dict[str, float]


def estimate(
    window: Sequence[ArchivedPrediction], sold: Sequence[Labelled], manifest: Manifest, of_learnt: float | None
) -> LossEstimate | None:
    """Return the estimate; None for a champion that does not say how large its errors will be, or without predictions.

    `window` are its predictions, `sold` the newest sales of homes that it has not learnt, `of_learnt` what it expected
    of its training part.
    """
    interval = manifest.interval
    if not interval.classes or not window:
        return None
    log_price, low, high = np.log([(row.predicted_price, row.low, row.high) for row in window]).T
    band = np.searchsorted(interval.edges, log_price)
    unit = (np.array(interval.high) - np.array(interval.low))[band]  # an interval is so many expected errors wide
    errors = [abs(np.log(each.sale.sale_price / each.prediction.predicted_price)) for each in sold]
    classes = [row.confidence for row in window if row.confidence]
    return LossEstimate(
        expected=float(np.mean((high - low) / unit)),
        expected_of_learnt=of_learnt,
        realised=float(np.mean(errors)) if len(errors) >= FEWEST else None,
        sales=len(errors),
        confidence={name: classes.count(name) / len(classes) for name in sorted(set(classes))},
    )
