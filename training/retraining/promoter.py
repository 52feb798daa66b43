"""What becomes of a verdict: promoted, put into shadow, left to a person; once, and only over the judged champion."""

from dataclasses import dataclass

from pricing.manifest import Pointer
from terminal.errors import Failure
from training.promotion.promote import ExpectedChampion, promote
from training.registry.kept_listings import beside
from training.registry.mlflow_registry import Registry
from training.registry.models_bucket import ModelsBucket, sha256
from training.retraining.records import Clock, Evidence, RetrainingOutcome, RetrainingVerdict, now

REVIEWED: frozenset[RetrainingOutcome] = frozenset({"promoted", "dropped", "awaiting a person"})


@dataclass(frozen=True, slots=True)
class Promoter:
    """The two pointers in the models bucket, and the registry's aliases that follow them."""

    bucket: ModelsBucket
    registry: Registry
    clock: Clock = now

    def challenger(self) -> Pointer | None:
        """Return what is scored in shadow, if anything."""
        found = self.bucket.challenger()
        return found[0] if found else None

    def carry_out(self, verdict: RetrainingVerdict, evidence: Evidence) -> tuple[RetrainingOutcome, str]:
        """Do what the verdict says; return what came of it, and why. Done again it changes nothing."""
        outcome, why = verdict.outcome, verdict.why
        if verdict.version and outcome == "promoted":
            outcome, why = self._promote(verdict.version, evidence.champion, why)
        elif verdict.version and outcome == "in shadow":
            outcome, why = self._shadow(verdict.version, evidence, why)
        elif verdict.version and outcome == "awaiting a person":
            self.registry.point("challenger", verdict.version)
        if outcome in REVIEWED and evidence.challenger:
            self.bucket.end_challenger(evidence.challenger)
        return outcome, why

    def _promote(self, version: str, over: Pointer, why: str) -> tuple[RetrainingOutcome, str]:
        seen = self.bucket.champion()
        serving = seen[0] if seen else None
        if serving != over and serving and version not in (serving.version, serving.previous):
            return "overtaken", f"version {serving.version} was promoted meanwhile, and was not judged"
        if serving and serving.previous == version:
            return "promoted", f"{why}; version {serving.version} has replaced it since"
        try:
            promote(version, self.registry, self.bucket, "auto", self.clock, over=ExpectedChampion(over.version))
        except Failure:
            after = self.bucket.champion()
            if after == seen:
                raise
            return "overtaken", "another version was promoted meanwhile"
        return "promoted", why

    def _shadow(self, version: str, evidence: Evidence, why: str) -> tuple[RetrainingOutcome, str]:
        serving = self.bucket.champion()
        if serving is None or serving[0] != evidence.champion:
            return "overtaken", "another version was promoted meanwhile"
        found = self.registry.find(version)
        model, manifest = self.registry.artefacts(found)
        self.bucket.put_version(version, model, manifest, beside(version, found.run_id, self.registry))
        pointer = Pointer(
            version=version,
            manifest_sha256=sha256(manifest),
            previous=None,
            promoted_at=evidence.gathered_at.isoformat(),
            promoted_by="auto",
        )
        self.bucket.point_challenger(pointer)
        self.registry.point("challenger", version)
        return "in shadow", why
