"""Homes that an earlier champion priced, priced again by the one that serves: the archive has what it would have read.

So every sale counts from the day of a promotion on, and not only those of homes that came to the market since.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from botocore.exceptions import ClientError
from msgspec import structs

from lambdas.archive_bucket.prediction_rows import features
from lambdas.archive_bucket.reader import Labelled
from pricing.manifest import ContractMismatch

if TYPE_CHECKING:
    from pricing.model import Model


def priced_again(labelled: Sequence[Labelled], version: str, load: "Callable[[], Model]") -> tuple[list[Labelled], int]:
    """Return the sales with what `version` says of each home, in their order, and how many it could not price.

    Those it has priced itself stay as they are; the model is loaded only where it is needed.
    """
    others = [each.prediction for each in labelled if each.prediction.model_version != version]
    if not others:
        return list(labelled), 0
    try:
        model = load()
    except (ContractMismatch, ClientError):  # what serves meanwhile is not this version
        return [each for each in labelled if each.prediction.model_version == version], len(others)
    prices = model.predict([features(row) for row in others])
    again = {
        row.id: structs.replace(
            row,
            predicted_price=float(price),
            low=float(low),
            high=float(high),
            coverage=model.manifest.interval.coverage,
            model_version=version,
        )
        for row, price, low, high in zip(others, prices.price, prices.low, prices.high, strict=True)
        if np.isfinite(price)
    }
    found = [
        Labelled(again.get(each.prediction.id, each.prediction), each.sale)
        for each in labelled
        if each.prediction.model_version == version or each.prediction.id in again
    ]
    return found, len(labelled) - len(found)
