"""One request for a retraining, from the evidence to the record; whoever finds it half done goes on from there.

gather the evidence -> train and judge, register the winner -> promote (or as the policy says) -> tell -> record

Each step is written where a second worker finds it before the next one begins (training/retraining/journal.py), and
done again it changes nothing: a winner has one version, and the pointer moves once, only away from the champion that
was judged.
"""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from lambdas.archive_bucket.reader import Archive
from pricing.manifest import Pointer
from terminal.errors import Failure
from training.data.listings import Dataset
from training.evaluation.price_level import LevelMove
from training.export.onnx_model import run_onnx
from training.params import Params
from training.registry.mlflow_registry import Registry
from training.registry.models_bucket import ModelsBucket, parse
from training.retraining.journal import Journal
from training.retraining.promoter import Promoter
from training.retraining.records import Clock, Evidence, Record, RetrainingOutcome, RetrainingVerdict, now
from training.retraining.register_winner import Keep, Winner, keep_model, register
from training.retraining.requests import Request
from training.retraining.schedule import is_due, newest_move, open_drifts, reign, reopened, unrecorded_alarm
from training.retraining.shadow_review import review
from training.sales_contest.challengers import Challenger, Served, Trainer
from training.sales_contest.contest import (
    AFTER_ALARM,
    LEVEL,
    MIN_SALES,
    hold_contests,
    unasked_level,
    why_it_lost,
    why_it_won,
)
from training.sales_contest.level_guard import furthest_move, served_lately
from training.sales_contest.sales import Contested, Sales, contested
from training.sales_contest.sold_homes import Gathered, Sold, gather

Policy = Literal["auto", "shadow-first", "manual"]
YEAR = timedelta(days=365)
BY_POLICY: dict[Policy, RetrainingOutcome] = {
    "auto": "promoted",
    "shadow-first": "in shadow",
    "manual": "awaiting a person",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraining:
    """Everything that a retraining talks to, and the policy of promotion."""

    journal: Journal
    archive: Archive
    bucket: ModelsBucket
    registry: Registry
    promoter: Promoter
    listings: Callable[[Served], Dataset | None]  # the reference file that goes with a champion
    train: Trainer
    params: Params
    policy: Policy
    announce: Callable[[Record], None]
    keep_model: Keep = keep_model
    clock: Clock = now

    def resolve(self, asked: Request) -> Request | None:
        """Return what a request amounts to: itself, or what the schedule finds open; None for nothing to do."""
        begun = asked.kind != "schedule" or self.journal.find(Evidence, asked.id)
        return asked if begun else self._from_schedule(asked)

    def run(self, request: Request) -> Record:
        """Do what is asked; return the record.

        What was done before is not done again. Raises `Failure` where there is no champion to challenge.
        """
        return self.journal.once(Record, request.id, lambda: self._carry_out(request))

    def _carry_out(self, request: Request) -> Record:
        evidence = self.journal.once(Evidence, request.id, lambda: self._gather(request))
        verdict = self.journal.once(RetrainingVerdict, request.id, lambda: self._judge(evidence))
        outcome, why = self.promoter.carry_out(verdict, evidence)
        record = self._record(evidence, verdict, outcome, why)
        self.announce(record)
        return record

    def _from_schedule(self, asked: Request) -> Request | None:
        champion = self._champion()
        if self.promoter.challenger():
            return asked  # to review it
        records = reign(self.journal.records(), champion)
        if found := unrecorded_alarm(self.journal.alarms(), records, champion):
            return found
        if drifts := open_drifts(records):
            learnt = self.bucket.learnt_homes(champion.version)
            return reopened(asked, drifts, self._gathered(self.clock()).sold, champion, self.params.market, learnt)
        return asked if is_due(asked, records, champion) else None

    def _gathered(self, at: datetime) -> Gathered:
        return gather(self.archive, at, self.params.market)

    def _gather(self, request: Request) -> Evidence:
        at, champion = self.clock(), self._champion()
        moved = request if request.fresh else newest_move(self.journal.alarms(), champion)
        if moved:
            request = msgspec.structs.replace(request, fresh=moved.fresh, after=moved.after, level=moved.level)
        found = self._gathered(at)
        return Evidence(
            request=request,
            gathered_at=at,
            champion=champion,
            challenger=self.promoter.challenger(),
            sales=found.sold,
            set_apart=found.set_apart,
        )

    def _champion(self) -> Pointer:
        found = self.bucket.champion()
        if found is None:
            raise Failure("there is no champion to challenge: run `belo promote` first")
        return found[0]

    def _judge(self, evidence: Evidence) -> RetrainingVerdict:
        request, champion = evidence.request, evidence.champion
        if request.champion and (request.champion, request.promoted_at) != (champion.version, _time(champion)):
            return RetrainingVerdict(
                outcome="overtaken",
                why=f"version {request.champion} drifted; {champion.version} has served since {champion.promoted_at}",
                contests=[],
            )
        if request.kind == "schedule" and evidence.challenger:
            return review(evidence, self.bucket, self.params)
        return self._contest(evidence)

    def _contest(self, evidence: Evidence) -> RetrainingVerdict:
        request, learnt = evidence.request, self.bucket.learnt_homes(evidence.champion.version)
        about = contested(evidence.sales, request.fresh, evidence.champion, self.params.market, request.after, learnt)
        if about.judged < MIN_SALES:
            why = (
                f"{about.judged} sales {_since(evidence)}; at least {MIN_SALES} are needed{_left_out(about, evidence)}"
            )
            return RetrainingVerdict(outcome="undecided", why=why, contests=[])
        model, document = self.bucket.get_version(evidence.champion.version)
        champion = Served(model, parse(document))
        listings, sales = self.listings(champion), about.sales()
        mending = request.after is not None and not request.level
        found = self.train(champion, sales, listings, self.params)
        contests = hold_contests(champion, sales, found, self.params.judge, self._level(evidence), mending=mending)
        winners = [pair for pair in zip(contests, found, strict=True) if pair[0].won]
        if not winners:
            why = "; ".join(why_it_lost(each) for each in contests)
            return RetrainingVerdict(
                outcome="kept", why=why + _left_out(about, evidence), contests=contests, fresh=about.judged
            )
        best, challenger = max(winners, key=lambda pair: pair[0].gain)
        winner = Winner(
            request_id=evidence.request.id,
            challenger=challenger,
            contests=contests,
            fresh=sales.rows.take(sales.fresh),
            gathered_at=evidence.gathered_at,
            data_sha256=_fingerprint(about.sold, listings),
            generated=champion.manifest.generated_data,
            homes=[each.features for each in about.sold],
            champion=champion.manifest,
            listings=listings,
        )
        move = self._furthest_move(evidence, champion, challenger, sales)
        return RetrainingVerdict(
            outcome=BY_POLICY[self.policy] if move.credible else "awaiting a person",
            why=why_it_won(best) + ("" if move.credible else f"; but prices would move by {move.finding}"),
            contests=contests,
            version=register(winner, self.registry, self.bucket, self.params, self.keep_model),
            trained=challenger.name,
            fresh=about.judged,
        )

    def _level(self, evidence: Evidence) -> float:
        """Return with which chance the contest may promote a challenger that is no better."""
        if evidence.request.drift:
            return AFTER_ALARM if evidence.request.level else LEVEL
        began = evidence.gathered_at - YEAR
        unasked = (each for each in self.journal.records() if not each.request.drift and each.finished_at > began)
        return unasked_level(sum(each.level for record in unasked for each in record.contests))

    def _furthest_move(self, evidence: Evidence, champion: Served, challenger: Challenger, sales: Sales) -> LevelMove:
        """Return by how much prices as a whole would move: against what the market says, and whoever served lately."""
        frame = sales.frame[sales.fresh]
        offered = run_onnx(challenger.model, frame, challenger.names)
        served = served_lately(self.bucket, evidence.gathered_at)
        limit, paid = self.params.judge.level_limit, sales.log_price[sales.fresh]
        return furthest_move(offered, paid, frame, champion, served, limit)

    def _record(self, evidence: Evidence, verdict: RetrainingVerdict, outcome: RetrainingOutcome, why: str) -> Record:
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
            fresh=verdict.fresh,
        )


def _since(evidence: Evidence) -> str:
    request = evidence.request
    if request.after:
        return "after those that rang the alarm"
    return "since prices moved" if request.fresh else f"since {evidence.champion.promoted_at[:16]}"


def _left_out(about: Contested, evidence: Evidence) -> str:
    """Return which sales took no part, and why; "" where all did."""
    learnt = f"; {about.learnt} of homes that the champion has learnt are left out" if about.learnt else ""
    if not evidence.set_apart:
        return learnt
    reasons = Counter(each.reason.partition(": ")[2] or each.reason for each in evidence.set_apart)
    (reason, _), *_ = reasons.most_common(1)
    return f"{learnt}; {len(evidence.set_apart)} are set apart until somebody decides (`belo sales`): {reason}"


def _fingerprint(sold: list[Sold], listings: Dataset | None) -> str:
    sales = msgspec.json.encode(sold)
    return hashlib.sha256((listings.sha256 if listings else "").encode() + sales).hexdigest()


def _time(pointer: Pointer) -> datetime:
    return datetime.fromisoformat(pointer.promoted_at)
