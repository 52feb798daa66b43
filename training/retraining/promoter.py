"""What becomes of a verdict: promoted, put into shadow, left to a person; once, and only over the judged champion."""

from dataclasses import dataclass
from typing import Any

import msgspec

from pricing.manifest import CHALLENGER_KEY, Pointer, encode
from terminal.errors import Failure
from training.promotion.promote import Over, promote
from training.registry.mlflow_registry import Registry
from training.registry.models_bucket import ModelsBucket, sha256
from training.retraining.records import Clock, Evidence, Outcome, Verdict, now

REVIEWED: frozenset[Outcome] = frozenset({"promoted", "dropped"})


@dataclass(frozen=True, slots=True)
class Promotion:
    """The two pointers in the models bucket, and the registry's aliases that follow them."""

    s3: Any  # a boto3 client
    models_bucket: str
    bucket: ModelsBucket
    registry: Registry
    clock: Clock = now

    def challenger(self) -> Pointer | None:
        """Return what is scored in shadow, if anything."""
        found = self.bucket.read(CHALLENGER_KEY)
        return msgspec.json.decode(found[0], type=Pointer) if found else None

    def carry_out(self, verdict: Verdict, evidence: Evidence) -> tuple[Outcome, str]:
        """Do what the verdict says; return what came of it, and why. Done again it changes nothing."""
        outcome, why = verdict.outcome, verdict.why
        if verdict.version and outcome == "promoted":
            outcome, why = self._promote(verdict.version, evidence.champion, why)
        elif verdict.version and outcome == "in shadow":
            outcome, why = self._shadow(verdict.version, evidence, why)
        elif verdict.version and outcome == "awaiting a person":
            self.registry.point("challenger", verdict.version)
        if outcome in REVIEWED:
            self._end_shadow(evidence.challenger)
        return outcome, why

    def _promote(self, version: str, over: Pointer, why: str) -> tuple[Outcome, str]:
        seen = self.bucket.champion()
        serving = seen[0] if seen else None
        if serving != over and serving and version not in (serving.version, serving.previous):
            return "overtaken", f"version {serving.version} was promoted meanwhile, and was not judged"
        if serving and serving.previous == version:
            return "promoted", f"{why}; version {serving.version} has replaced it since"
        try:
            promote(version, self.registry, self.bucket, "auto", self.clock, over=Over(over.version))
        except Failure:
            after = self.bucket.champion()
            if after == seen:
                raise
            return "overtaken", "another version was promoted meanwhile"
        return "promoted", why

    def _shadow(self, version: str, evidence: Evidence, why: str) -> tuple[Outcome, str]:
        serving = self.bucket.champion()
        if serving is None or serving[0] != evidence.champion:
            return "overtaken", "another version was promoted meanwhile"
        model, manifest = self.registry.artefacts(self.registry.find(version))
        self.bucket.put_version(version, model, manifest)
        pointer = Pointer(
            version=version,
            manifest_sha256=sha256(manifest),
            previous=None,
            promoted_at=evidence.gathered_at.isoformat(),
            promoted_by="auto",
        )
        self.s3.put_object(
            Bucket=self.models_bucket, Key=CHALLENGER_KEY, Body=encode(pointer), ContentType="application/json"
        )
        self.registry.point("challenger", version)
        return "in shadow", why

    def _end_shadow(self, reviewed: Pointer | None) -> None:
        """Remove the challenger that was reviewed; one that came meanwhile stays."""
        if reviewed and self.challenger() == reviewed:
            self.s3.delete_object(Bucket=self.models_bucket, Key=CHALLENGER_KEY)
