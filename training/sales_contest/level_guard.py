"""By how much prices as a whole would move, against every version that served lately.

One step may be small enough for a market, and the next one too: a level that creeps away within a season is as wrong as
one that jumps. So against what the champion replaced, two steps of the limit are the most.
"""

from datetime import datetime, timedelta
from itertools import pairwise

import pandas as pd

from pricing.manifest import manifest_key, model_key
from training.arrays import Log
from training.evaluation.price_level import LevelMove, level_move
from training.registry.models_bucket import ModelsBucket, parse
from training.sales_contest.challengers import Served

LATELY = timedelta(days=90)


def served_lately(bucket: ModelsBucket, at: datetime) -> dict[str, Served]:
    """Return the versions that served within `LATELY` before a moment, as they serve; the champion is among them.

    What stood before the newest promotion by hand does not count: a person has seen that move.
    """
    pointers = bucket.champions()
    by_hand = [place for place, each in enumerate(pointers) if each.promoted_by == "manual"]
    pointers = pointers[by_hand[-1] if by_hand else 0 :]
    left = [datetime.fromisoformat(after.promoted_at) for _, after in pairwise(pointers)]
    standing = [each.version for each, end in zip(pointers, [*left, at], strict=True) if end > at - LATELY]
    found = {version: (bucket.read(model_key(version)), bucket.read(manifest_key(version))) for version in standing}
    return {version: Served(model[0], parse(about[0])) for version, (model, about) in found.items() if model and about}


def furthest_move(
    offered: Log, paid: Log, frame: pd.DataFrame, champion: Served, served: dict[str, Served], limit: float
) -> LevelMove:
    """Return the move that is the least credible, of log prices of the frame's N homes, shape (N,).

    Of what is `offered` against what each version says, and of what was `paid` against what the champion says.
    """
    market = champion.manifest.market
    said, before = champion.log_prices(frame), (1 + limit) ** 2 - 1
    found = [
        level_move(offered - said, limit, "the champion's prices", market),
        level_move(paid - said, limit, "what was said of these sales", market),
    ]
    for version, each in served.items():
        found.append(level_move(offered - each.log_prices(frame), before, f"version {version}", market))
    return max(found, key=lambda each: max(each.factor, 1 / each.factor) / (1 + each.limit))
