"""One request for a retraining, from the evidence to the record; whoever finds it half done goes on from there.

gather the evidence -> train and judge, register the winner -> promote (or as the policy says) -> tell -> record

Each step is written where a second worker finds it before the next one begins (training/ledger.py), and done again it
changes nothing: a winner has one version, and the pointer moves once, only away from the champion that was judged.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from belo.errors import Failure
from lambdas.archive_reader import Archive
from pricing.manifest import Pointer
from training.budget import over_budget
from training.challengers import Challenger, Served, Trainer
from training.contest import LEVEL, MIN_SALES, Contest, contest
from training.data import Dataset
from training.evaluate import figures
from training.export import run_onnx
from training.feedback import Sales, first_fresh, gather
from training.ledger import Clock, Ledger, now
from training.models_bucket import ModelsBucket, parse
from training.params import Judging, Params
from training.promotion import Promotion
from training.registering import Keep, Winner, keep_model, register
from training.registry import Registry
from training.retraining_records import Evidence, Outcome, Record, Verdict
from training.retraining_requests import Request
from training.shadow_review import review

Policy = Literal["auto", "shadow-first", "manual"]
OPEN: frozenset[Outcome] = frozenset({"kept", "undecided"})  # a drift that is still to be dealt with
PERIOD = timedelta(days=30)  # between contests that nothing but the schedule asks for
BY_POLICY: dict[Policy, Outcome] = {"auto": "promoted", "shadow-first": "in shadow", "manual": "awaiting a person"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraining:
    """Everything that a retraining talks to, and the policy of promotion."""

    ledger: Ledger
    archive: Archive
    bucket: ModelsBucket
    registry: Registry
    promotion: Promotion
    listings: Callable[[Served], Dataset | None]  # the reference file that goes with a champion
    train: Trainer
    params: Params
    policy: Policy
    tell: Callable[[Record], None]
    keep_model: Keep = keep_model
    clock: Clock = now

    def run(self, request: Request) -> Record | None:
        """Do what is asked; return the record, or None where the schedule asked and there is nothing to do.

        What was done before is not done again. Raises `Failure` where there is no champion to challenge.
        """
        if done := self.ledger.record(request.id):
            return done
        evidence = self.ledger.evidence(request.id)
        if evidence is None:
            if request.kind == "schedule" and self._nothing_to_do(request):
                return None
            evidence = self.ledger.keep_evidence(self._gather(request))
        verdict = self.ledger.verdict(request.id)
        if verdict is None:
            verdict = self.ledger.keep_verdict(request.id, self._judge(evidence))
        outcome, why = self.promotion.carry_out(verdict, evidence)
        record = self._record(evidence, verdict, outcome, why)
        self.tell(record)
        return self.ledger.keep_record(record)

    def _nothing_to_do(self, request: Request) -> bool:
        champion, challenger = self._champion(), self.promotion.challenger()
        reign = [each for each in self.ledger.records() if each.reign_since == champion.promoted_at]
        if challenger or any(each.request.kind == "drift" and each.outcome in OPEN for each in reign[-1:]):
            return False
        since = [each.finished_at for each in reign] + [_time(champion)]
        return request.at - max(since) < PERIOD

    def _gather(self, request: Request) -> Evidence:
        at = self.clock()
        return Evidence(
            request=request,
            gathered_at=at,
            champion=self._champion(),
            challenger=self.promotion.challenger(),
            sales=gather(self.archive, at),
        )

    def _champion(self) -> Pointer:
        found = self.bucket.champion()
        if found is None:
            raise Failure("there is no champion to challenge: run `belo promote` first")
        return found[0]

    def _judge(self, evidence: Evidence) -> Verdict:
        request, champion = evidence.request, evidence.champion
        if request.champion and (request.champion, request.promoted_at) != (champion.version, _time(champion)):
            return Verdict(
                outcome="overtaken",
                why=f"version {request.champion} drifted; {champion.version} has served since {champion.promoted_at}",
                contests=[],
            )
        if request.kind == "schedule" and evidence.challenger:
            return review(evidence, self.bucket)
        return self._contest(evidence)

    def _contest(self, evidence: Evidence) -> Verdict:
        first = first_fresh(evidence.sales, evidence.request, evidence.champion)
        count = len(evidence.sales) - first
        if count < MIN_SALES:
            why = f"{count} sales since prices moved; at least {MIN_SALES} are needed"
            return Verdict(outcome="undecided", why=why, contests=[])
        model, document = self.bucket.get_version(evidence.champion.version)
        champion = Served(model, parse(document))
        listings = self.listings(champion)
        sales = Sales.of(evidence.sales, first)
        found = self.train(champion, sales, listings, self.params)
        contests = judge(champion, sales, found, self.params.judge)
        winners = [pair for pair in zip(contests, found, strict=True) if pair[0].won]
        if not winners:
            return Verdict(outcome="kept", why="; ".join(_against(each) for each in contests), contests=contests)
        best, challenger = max(winners, key=lambda pair: pair[0].gain)
        winner = Winner(
            request_id=evidence.request.id,
            challenger=challenger,
            contests=contests,
            figures=figures(challenger.said, challenger.offsets, sales.rows.take(sales.fresh)),
            gathered_at=evidence.gathered_at,
            data_sha256=_fingerprint(evidence, listings),
            generated=champion.manifest.generated_data,
            homes=[each.features for each in evidence.sales],
            champion_run=champion.manifest.mlflow_run_id,
        )
        version = register(winner, self.registry, self.params, self.keep_model)
        return Verdict(
            outcome=BY_POLICY[self.policy],
            why=_told(best),
            contests=contests,
            version=version,
            trained=challenger.name,
        )

    def _record(self, evidence: Evidence, verdict: Verdict, outcome: Outcome, why: str) -> Record:
        return Record(
            request=evidence.request,
            finished_at=self.clock(),
            outcome=outcome,
            why=why,
            champion_before=evidence.champion.version,
            reign_since=evidence.champion.promoted_at,
            champion_after=self._champion().version,
            promoted_by=self.policy if outcome == "promoted" else None,
            sales=len(evidence.sales),
            contests=verdict.contests,
            trained=verdict.trained,
            version=verdict.version,
        )


def judge(champion: Served, sales: Sales, found: list[Challenger], budget: Judging) -> list[Contest]:
    """Return each challenger's contest on the fresh sales; together they promote by chance with at most `LEVEL`."""
    fresh = sales.fresh
    actual, said = sales.log_price[fresh], run_onnx(champion.model, sales.frame[fresh])
    level, intervals = LEVEL / len(found), [(champion.manifest.interval, each.offsets) for each in found]
    contests = [
        contest(each.name, actual, (said, each.said), offsets, sales.groups[fresh], level)
        for each, offsets in zip(found, intervals, strict=True)
    ]
    return [
        msgspec.structs.replace(each, reasons=each.reasons + over_budget(challenger.model, sales.frame, budget))
        for each, challenger in zip(contests, found, strict=True)
    ]


def _fingerprint(evidence: Evidence, listings: Dataset | None) -> str:
    sales = msgspec.json.encode(evidence.sales)
    return hashlib.sha256((listings.sha256 if listings else "").encode() + sales).hexdigest()


def _told(best: Contest) -> str:
    return (
        f"{best.challenger}: on the newest {best.sales} sales the median error falls from {best.error_champion:.1%} "
        f"to {best.error_challenger:.1%}, the loss by {best.gain:.0%} (at least {best.gain_low:.0%})"
    )


def _against(each: Contest) -> str:
    return f"{each.challenger}: {', '.join(each.reasons)}"


def _time(pointer: Pointer) -> datetime:
    return datetime.fromisoformat(pointer.promoted_at)
