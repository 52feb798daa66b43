"""Whether prices as a whole move further than a market does: then labels are wrong, and no judge can tell by them.

A model learnt from sales in dollars is the better one on sales in dollars. So a move beyond `Judging.level_limit` is
never promoted without a person, whatever the evidence says.
"""

import numpy as np
from msgspec import Struct

from lambdas.archive_bucket.units import unit
from pricing.market import Market
from training.arrays import Log


class LevelMove(Struct, frozen=True, kw_only=True):
    """By which factor prices move against what `against` says; `limit` is the largest that a market makes, a fraction.

    `explained` is which unit or currency would explain it.
    Prices may rise by `limit`, or fall so far that they would have to rise by it to be back.
    """

    factor: float
    limit: float
    against: str
    explained: str

    @property
    def credible(self) -> bool:
        """Return whether a market may have moved so far."""
        return bool(1 / (1 + self.limit) <= self.factor <= 1 + self.limit)

    @property
    def finding(self) -> str:
        """Return it in words; where it is not credible, with the unit or currency that would explain it."""
        said = f"{self.factor - 1:+.1%} against {self.against}"
        low = 1 / (1 + self.limit) - 1
        if self.credible:
            return f"{said}, a market moves by {low:+.0%} to {self.limit:+.0%}"
        return f"{said}, and a market moves by {low:+.0%} to {self.limit:+.0%}: {self.explained}"


def level_move(log_ratio: Log, limit: float, against: str, market: Market | None) -> LevelMove:
    """Return the move that log ratios of prices, shape (N,), N > 0, amount to: their median."""
    factor = float(np.exp(np.median(log_ratio)))
    return LevelMove(factor=factor, limit=limit, against=against, explained=unit(factor, market))
