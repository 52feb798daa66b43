"""A challenger in shadow, judged on live pairs: what the champion and it said of the same homes, before these sold.

It is looked at a few times, each time on the first so many pairs, so that how often somebody looks does not matter. A
shadow that has lasted as long as sales are remembered, or that another reign has overtaken, is dropped unseen.
"""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from lambdas.archive_bucket.reader import REMEMBERED
from pricing.learnt_homes import LearntHomes, has_learnt
from pricing.manifest import Pointer
from pricing.market import Market
from training.evaluation.price_level import LevelMove, level_move
from training.params import Params
from training.registry.models_bucket import ModelsBucket, parse
from training.retraining.records import Evidence, RetrainingVerdict
from training.sales_contest.challengers import Served
from training.sales_contest.contest import LEVEL, Contest, contest
from training.sales_contest.sales import Sales
from training.sales_contest.sold_homes import Sold, in_population

LOOKS = (60, 120, 300)  # pairs; together the looks promote by chance with at most `LEVEL`


def review(evidence: Evidence, bucket: ModelsBucket, params: Params) -> RetrainingVerdict:
    """Return whether the challenger replaces the champion, is dropped, or has to wait for more sales.

    One that moves prices by more than the judge's limit is for a person.
    """
    champion, challenger = evidence.champion, evidence.challenger
    if challenger is None:
        raise ValueError("no challenger to review")
    if reason := _why_ended(evidence, champion, challenger):
        return RetrainingVerdict(
            outcome="dropped", why=f"version {challenger.version} in shadow: {reason}", contests=[]
        )
    learnt = [bucket.learnt_homes(each.version) for each in (champion, challenger)]
    market, limit = params.market, params.judge.level_limit
    pairs = live_pairs(evidence.sales, champion, challenger, market, learnt)
    served = (_served(bucket, champion.version), _served(bucket, challenger.version))
    found = looks(pairs, served, market)
    if won := next((each for each in found if each.won), None):
        why = f"better in shadow, on {won.sales} live pairs: loss less by {won.gain:.0%}"
        move = _level_move(pairs[: won.sales], limit, market)
        if not move.credible:
            why += f"; but prices would move by {move.finding}"
        return RetrainingVerdict(
            outcome="promoted" if move.credible else "awaiting a person",
            why=why,
            contests=found,
            version=challenger.version,
            trained=won.challenger,
        )
    why = f"version {challenger.version} in shadow: "
    if found:
        why += f"{', '.join(found[-1].reasons)}, on the first {found[-1].sales} pairs; "
    following = next((count for count in LOOKS if count > len(pairs)), None)
    if following is None:
        return RetrainingVerdict(outcome="dropped", why=why + "no more looks", contests=found)
    why += f"{len(pairs)} sales so far, {following} are needed for a look"
    return RetrainingVerdict(outcome="undecided", why=why, contests=found)


def _why_ended(evidence: Evidence, champion: Pointer, challenger: Pointer) -> str:
    """Return why a shadow is to end whatever was sold in it, or ""."""
    began, reign = (datetime.fromisoformat(each.promoted_at) for each in (challenger, champion))
    if reign > began:
        return f"it was meant for a champion before version {champion.version}, which serves since {reign:%Y-%m-%d}"
    if evidence.gathered_at - began > REMEMBERED:
        return f"not decided within {REMEMBERED.days} days, for want of sales"
    return ""


def live_pairs(
    gathered: list[Sold],
    champion: Pointer,
    challenger: Pointer,
    market: Market,
    learnt: Sequence[LearntHomes | None] = (),
) -> list[Sold]:
    """Return the sales that were reported in the challenger's shadow, priced by both, of homes that neither learnt."""
    since = datetime.fromisoformat(challenger.promoted_at)
    return [
        each
        for each in gathered
        if each.reported_at > since
        and (each.model_version, each.shadow_version) == (champion.version, challenger.version)
        and each.shadow_price
        and in_population(each, market)
        and not any(has_learnt(homes, each.features) for homes in learnt)
    ]


def looks(pairs: list[Sold], served: tuple[Served, Served], market: Market) -> list[Contest]:
    """Return the contest of each look that there are pairs for, in the order of their reports, between both versions.

    A look sees nothing of later pairs: it says the same however many there are.
    """
    return [_look(pairs[:count], served, market) for count in LOOKS if count <= len(pairs)]


def _look(pairs: list[Sold], served: tuple[Served, Served], market: Market) -> Contest:
    every = np.ones(len(pairs), dtype=np.bool_)
    sales = Sales.of(pairs, every, every, market)
    champion, challenger = served
    predicted = (
        champion.around(np.log([each.predicted_price for each in pairs]), sales.frame),
        challenger.around(np.log([each.shadow_price or np.nan for each in pairs]), sales.frame),
    )
    coverage = challenger.manifest.interval.coverage
    return contest("in shadow", sales.log_price, predicted, coverage, sales.groups, LEVEL / len(LOOKS))


def _level_move(pairs: list[Sold], limit: float, market: Market) -> LevelMove:
    ratios = np.log([(each.shadow_price or np.nan) / each.predicted_price for each in pairs])
    return level_move(ratios, limit, "the champion's prices", market)


def _served(bucket: ModelsBucket, version: str) -> Served:
    model, manifest = bucket.get_version(version)
    return Served(model, parse(manifest))
