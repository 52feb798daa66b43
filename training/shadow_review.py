"""A challenger in shadow, judged on live pairs: what the champion and it said of the same homes, before these sold."""

import numpy as np

from pricing.manifest import Manifest
from training.contest import contest
from training.feedback import Sales
from training.models_bucket import ModelsBucket, parse
from training.retraining_records import Evidence, Verdict

DECIDED = 60  # pairs from which a challenger that is better is promoted
ENOUGH = 300  # pairs after which one that is still not better is dropped


def review(evidence: Evidence, bucket: ModelsBucket) -> Verdict:
    """Return whether the challenger replaces the champion, is dropped, or has to wait for more sales."""
    champion, challenger = evidence.champion, evidence.challenger
    if challenger is None:
        raise ValueError("no challenger to review")
    pairs = [
        each
        for each in evidence.sales
        if each.model_version == champion.version and each.shadow_version == challenger.version and each.shadow_price
    ]
    if len(pairs) < DECIDED:
        why = f"version {challenger.version} in shadow: {len(pairs)} sales so far, {DECIDED} are needed"
        return Verdict(outcome="undecided", why=why, contests=[])
    sales = Sales.of(pairs, 0)
    said = (np.log([each.predicted_price for each in pairs]), np.log([each.shadow_price or np.nan for each in pairs]))
    offsets = (_manifest(bucket, champion.version).interval, _manifest(bucket, challenger.version).interval)
    found = contest("in shadow", sales.log_price, said, offsets, sales.groups)
    if found.won:
        why = f"better in shadow, on {found.sales} live pairs: loss less by {found.gain:.0%}"
        return Verdict(
            outcome="promoted", why=why, contests=[found], version=challenger.version, trained=found.challenger
        )
    why = f"version {challenger.version} in shadow: {', '.join(found.reasons)}"
    return Verdict(outcome="dropped" if len(pairs) >= ENOUGH else "undecided", why=why, contests=[found])


def _manifest(bucket: ModelsBucket, version: str) -> Manifest:
    return parse(bucket.get_version(version)[1])
