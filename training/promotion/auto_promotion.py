"""The gate of `belo promote --auto`: the judge is asked, its verdict stored with the challenger, and obeyed."""

from pricing.manifest import Pointer
from terminal.errors import Failure
from training.params import Judging
from training.promotion.contenders import find_challenger, find_champion, second_opinion, unseen
from training.promotion.judge import PromotionVerdict, judge
from training.promotion.promote import ExpectedChampion, promote
from training.promotion.verdict_report import verdict_report
from training.registry.mlflow_registry import Registry
from training.registry.models_bucket import ModelsBucket


def ask_the_judge(version: str, registry: Registry, bucket: ModelsBucket, knobs: Judging) -> PromotionVerdict:
    """Let a version meet the champion, and store the verdict with its run as `verdict.md`.

    Raises `Failure` where the two cannot meet: one does not load, or the champion is another registry's.
    """
    champion = find_champion(bucket, registry)
    if champion and champion.version == version:
        raise Failure(f"version {version} is the champion already")
    champion_version = champion.version if champion else None
    challenger = find_challenger(version, registry)
    market = challenger.model.manifest.market
    evidence = unseen(version, champion_version, registry, market)
    opinion = second_opinion(version, champion_version, registry, market) if champion_version else None
    verdict = judge(challenger, champion, evidence, knobs, opinion)
    registry.keep(registry.find(version).run_id, "verdict.md", verdict_report(verdict).encode())
    registry.tag(version, "verdict", "promote" if verdict.promote else "; ".join(verdict.reasons)[:500])
    return verdict


def promote_judged(verdict: PromotionVerdict, registry: Registry, bucket: ModelsBucket) -> Pointer:
    """Promote what the judge let through, over the champion that it met and no other.

    Raises `Failure` with the reasons where the judge refused, or where the champion is another by now.
    """
    if not verdict.promote:
        raise Failure(f"version {verdict.challenger} is not promoted: {'; '.join(verdict.reasons)}")
    return promote(verdict.challenger, registry, bucket, "auto", over=ExpectedChampion(verdict.champion))
